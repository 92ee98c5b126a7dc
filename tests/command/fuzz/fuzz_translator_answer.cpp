// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule's matches, as a line of iptables-save, and on the lines behind it what
// iptables-restore-translate may have written of them: the matches, what stands
// behind the target, and a set.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "command/iptables/rule_words.h"
#include "command/nft/translator_answer.h"
#include "command/output/terminal.h"
#include "command/refusal.h"

namespace {

using connmark::NftMatches;
using connmark::NftToken;
using connmark::NftTokens;

void expect(bool holds, const char *what, const std::string &text) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", what, text.c_str());
  std::abort();
}

std::vector<std::string> lines_of(std::string text, std::size_t count) {
  std::vector<std::string> lines;
  for (std::size_t i = 1; i < count; ++i) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  lines.push_back(text);
  return lines;
}

void expect_one_command(const NftTokens &tokens, bool is_set) {
  const std::string text = to_string(tokens);
  expect(connmark::printable(text) == text, "a terminal shows what is written", text);
  bool in_string = false;
  int braces = 0;
  for (const char c : text) {
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if (c == '{') ++braces;
    if (c == '}') --braces;
    expect(braces >= 0, "braces close what was open", text);
    expect(c != '#' && c != '\\' && c != '$' && c != '\n', "nothing ends the command", text);
    expect(c != ';' || (is_set && braces > 0), "no command follows", text);
  }
  expect(!in_string && braces == 0, "what was opened is closed", text);
  const auto again = connmark::nft_tokens(text);
  expect(again && to_string(*again) == text, "it reads the same again", text);
}

void expect_comment(const std::string &text) {
  const std::string comment = connmark::nft_comment(text);
  expect(comment.size() >= 2 && comment.size() <= 130, "a comment is short", comment);
  expect(std::ranges::count(comment, '"') == 2 && comment.front() == '"' && comment.back() == '"',
         "a comment is one string", comment);
  expect(connmark::printable(comment) == comment, "a terminal shows a comment", comment);
}

void expect_strings_of(const std::vector<std::string> &words, const NftTokens &tokens) {
  for (const NftToken &token : tokens) {
    if (token.kind != NftToken::Kind::kString) continue;
    expect(token.text.find_first_of("\"\\") == std::string::npos, "a string has no escape",
           token.text);
    const bool is_pattern = token.text.find('*') != std::string::npos;
    const std::string before = token.text.substr(0, token.text.size() - 1);
    expect(!is_pattern || std::ranges::find(words, before + "+") != words.end(),
           "a pattern was one", token.text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::vector<std::string> lines =
      lines_of(std::string(reinterpret_cast<const char *>(data), size), 4);
  expect_comment(lines[2]);
  if (const auto set = connmark::read_set(lines[3])) {
    expect_one_command(set->definition, true);
    expect(connmark::NftName::of(set->name.text()).has_value(), "a set has a name", lines[3]);
  }
  std::vector<std::string> words;
  try {
    words = connmark::rule_words(lines[0]);
  } catch (const connmark::Refusal &) {
    return 0;
  }
  if (!connmark::can_be_asked(words)) return 0;
  NftMatches result;
  if (!connmark::add_rule(lines[1], lines[2], words, result)) return 0;
  expect(result.rules.size() == 1, "an answer is one rule", lines[1]);
  expect_one_command(result.rules[0], false);
  expect_strings_of(words, result.rules[0]);
  return 0;
}
