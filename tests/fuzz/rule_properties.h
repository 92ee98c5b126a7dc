// SPDX-License-Identifier: GPL-2.0-or-later
//
// What holds for every rule, whoever made its bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/linked_plugin.h"

namespace connmark::test {

// Ends the program with `what` and `detail` unless `holds`; a fuzzer notes the
// input as a finding.
void expect(bool holds, std::string_view what, std::string_view detail);

// One line that a terminal shows, short enough for the plugin's buffer.
void expect_legible(std::string_view text);

// The bytes come back from decode and encode; save, list and translation are
// legible; and where the rule is one that a kernel runs, its saved text makes
// the same rule again and its translation does what the rule does.
void expect_properties(Revision revision, const WireBytes &bytes);

}  // namespace connmark::test
