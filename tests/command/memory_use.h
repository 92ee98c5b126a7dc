// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a function takes, measured in a process of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace connmark::test {

struct ResourceUse {
  std::size_t bytes = 0;  // the most that was resident beyond what was at the start
  double seconds = 0;     // of the processor
  std::string refusal;    // empty where `work` went to its end
};

// Runs `work` in a child process.  A Refusal that it throws is told; nothing where
// the child could not be run or has died.
std::optional<ResourceUse> use_of(const std::function<void()> &work);

// The same of a program that is given `input`; its output is thrown away.
std::optional<ResourceUse> use_of_program(const std::vector<std::string> &argv,
                                          const std::string &input);

}  // namespace connmark::test
