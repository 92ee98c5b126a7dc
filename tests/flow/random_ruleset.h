// SPDX-License-Identifier: GPL-2.0-or-later
//
// Small random rule sets whose marks live in four bits, with owners.
#pragma once

#include <cstdint>
#include <vector>

#include "command/replay/packet.h"
#include "command/rule_set/ruleset.h"
#include "support/random_rules.h"

namespace connmark::test {

// Whose rules and policy rules are whose: 0 to count - 1.
struct Owners {
  int count = 0;
  std::vector<int> of_rules;         // by index, as Ruleset::rules
  std::vector<int> of_policy_rules;  // as Ruleset::policy_rules
};

struct OwnedRuleset {
  Ruleset ruleset;
  Owners owners;
};

// All that marks ever have in these rule sets.
inline constexpr std::uint32_t kRandomBits = 0xf;

enum class Variety : std::uint8_t {
  // Masked constant writes, saves, restores and positive tests, without jumps, and
  // matches of one rule each.
  kPlain,
  // Chains, gotos, returns, verdicts, both back ends, nat, shifted copies, inverted
  // tests and matches, NOTRACK, base chains of equal priority.
  kMixed,
  // And tests, writes and verdict maps of which not everything is known.
  kUnknown,
};

// 2 to 4 owners, 2 to 5 base chains, 3 to 10 rules, 0 to 2 policy rules, and at most 6
// different matches that hang on nothing else.
OwnedRuleset random_ruleset(RandomRules &random, Variety variety);

}  // namespace connmark::test
