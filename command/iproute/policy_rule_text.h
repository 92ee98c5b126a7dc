// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

// A line of `ip rule`, "32765:\tfrom all fwmark 0x80/0x80 lookup 100", as a rule
// without input and family; its text has single blanks.  Words that are not known
// count as matches.  A line that is no rule, and a number that is none, is a
// Refusal that quotes it.
//
// A prefix of an address that `ip` does not print is "0/LENGTH", until
// settle_prefixes() is told the family.
PolicyRule read_policy_rule(std::string_view line);

void settle_prefixes(PolicyRule &rule);

}  // namespace connmark
