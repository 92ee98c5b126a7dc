// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/session.h"

#include <cstdio>
#include <optional>

#include "support/command.h"

namespace connmark::test {
namespace {

std::string serialised(const std::vector<Request> &requests) {
  std::string text;
  const auto add = [&text](std::string_view field) { text.append(field).push_back('\0'); };
  for (const Request &request : requests) {
    add(request.verb);
    add(std::to_string(request.words.size()));
    for (const std::string &word : request.words) add(word);
  }
  return text;
}

std::optional<std::string_view> take_field(std::string_view &text) {
  const std::size_t size = text.find('\0');
  if (size == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, size);
  text.remove_prefix(size + 1);
  return field;
}

bool take_answer(std::string_view &text, Answer &answer) {
  for (std::string_view *field : {&answer.bytes, &answer.saved, &answer.listed, &answer.translates,
                                  &answer.translation, &answer.err, &answer.outcome}) {
    const std::optional<std::string_view> taken = take_field(text);
    if (!taken) return false;
    *field = *taken;
  }
  return true;
}

}  // namespace

std::string printable(const Request &request) {
  std::string text = request.verb;
  for (const std::string &word : request.words) {
    text += ' ';
    const bool plain = !word.empty() && word.find_first_of(" \t\n\"") == std::string::npos;
    if (!plain) text += '"';
    for (const char c : word) {
      char escaped[8] = {c};
      if (c < 0x20 || c == 0x7f) {
        std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
      }
      text += escaped;
    }
    if (!plain) text += '"';
  }
  return text;
}

void run_session(const std::string &folder, int revision, const std::vector<Request> &requests,
                 Session &session) {
  CommandResult result = run({CONNMARK_PLUGIN_SESSION, std::to_string(revision)},
                             serialised(requests), {"XTABLES_LIBDIR=" + folder});
  session.output = std::move(result.out);
  std::string_view rest = session.output;
  session.plugin = take_field(rest).value_or("");
  session.answers.reserve(requests.size());
  for (Answer answer; take_answer(rest, answer);) session.answers.push_back(answer);
  if (session.answers.size() == requests.size() && result.status == 0) return;
  session.failure =
      folder + ": ended with status " + std::to_string(result.status) + " " + result.err;
  if (session.answers.size() < requests.size()) {
    session.failure += ", at: " + printable(requests[session.answers.size()]);
  }
}

}  // namespace connmark::test
