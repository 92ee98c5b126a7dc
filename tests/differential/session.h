// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a plugin answers to many requests: plugin_session, run once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace connmark::test {

// See plugin_session.c for verbs and words.
struct Request {
  std::string verb;
  std::vector<std::string> words;
};

// As one would type it, for failure messages.
std::string printable(const Request &request);

// Fields that were not reached are empty.
struct Answer {
  std::string_view bytes;
  std::string_view saved;
  std::string_view listed;
  std::string_view translates;  // what the callback returned
  std::string_view translation;
  std::string_view err;
  std::string_view outcome;  // "done", "refused STATUS", "crashed"

  bool is_done() const { return outcome == "done"; }
};

// The answers, which point into `output`.
struct Session {
  std::string output;
  std::string_view plugin;  // the file that was loaded
  std::vector<Answer> answers;
  std::string failure;  // why there are fewer answers than requests

  Session() = default;
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
};

// Loads libxt_CONNMARK.so from `folder`, with a kernel that has the revisions
// up to `revision`.
void run_session(const std::string &folder, int revision, const std::vector<Request> &requests,
                 Session &session);

}  // namespace connmark::test
