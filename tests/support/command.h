// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace connmark::test {

struct CommandResult {
  int status = -1;  // exit status, or 128 + signal number
  std::string out;
  std::string err;
};

// Runs argv[0], found on PATH or in /usr/sbin and /sbin, with `input` on its
// standard input, and waits for it.  `environment` holds NAME=VALUE entries
// that are added to this process's own.  A program that cannot be started
// yields status 127.
CommandResult run(const std::vector<std::string> &argv, std::string_view input = {},
                  const std::vector<std::string> &environment = {});

// Whether run() would find `program`.
bool is_installed(const std::string &program);

// Splits at blanks; no quoting.
std::vector<std::string> words(std::string_view text);

// The lines of `text` without their line breaks.
std::vector<std::string> lines(std::string_view text);

}  // namespace connmark::test
