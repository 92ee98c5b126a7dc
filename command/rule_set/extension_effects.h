// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables' matches and targets do with the way of packets, by their names.
#pragma once

#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Where a packet goes behind `target`: kContinue for those that go on to the next
// rule and for any that is not known.
Verdict verdict_of_target(std::string_view target);

// Whether `match` says the same of a packet each time, in one visit of the rules:
// not where it counts, draws lots, looks at the clock, or at what a target can
// change.
bool is_stable_match(std::string_view match);

}  // namespace connmark
