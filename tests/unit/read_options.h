// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connmark/operation.h"
#include "connmark/parse.h"

namespace connmark::test {

// What the parser makes of a rule's options.
struct Reading {
  Operation op;
  Progress progress;
  std::string error;                  // "" if the rule is taken
  std::vector<std::string> warnings;  // in the order in which they were given
};

// Hands the words to the parser one option after the other, as libxtables does,
// until the first error.  Names must be written out, and an argument is the
// word behind the option.
Reading read_options(const std::vector<std::string> &words);

// The same for a line of words between blanks.
Reading read_options(std::string_view line);

}  // namespace connmark::test
