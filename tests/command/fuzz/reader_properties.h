// SPDX-License-Identifier: GPL-2.0-or-later
//
// What holds for every text that a reader of the audit is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark::test {

using Reader = void (*)(std::istream &in, const std::string &name, Ruleset &ruleset);

// A refusal names the file, is one line that a terminal shows, and leaves the
// ruleset as it was.  What is accepted refers to nothing that is not there, adds
// to what was there before, and reads the same each time.  Ends the program
// otherwise; a fuzzer notes the input as a finding.
void expect_properties(Reader read, const std::uint8_t *data, std::size_t size);

}  // namespace connmark::test
