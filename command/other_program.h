// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace connmark {

// Runs argv[0], found on PATH or in /usr/sbin and /sbin, with `input` on its
// standard input, and returns what it writes to standard output.  Its errors
// are not shown.  Nothing if it cannot be run or ends with a status but 0.
std::optional<std::string> output_of_program(const std::vector<std::string> &argv,
                                             const std::string &input);

}  // namespace connmark
