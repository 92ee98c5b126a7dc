// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace connmark {

struct ProgramRun {
  std::string output;  // what it wrote to standard output before it ended
  bool succeeded = false;
  bool crashed = false;  // a signal ended it, and output may be missing
};

// Runs argv[0], a name without a folder, with `input` on its standard input.
// It is looked for where systems install programs and nowhere else: PATH is the
// caller's.  Its errors are not shown.  Nothing if it is not there or cannot be
// run.
std::optional<ProgramRun> run_program(const std::vector<std::string> &argv,
                                      const std::string &input);

}  // namespace connmark
