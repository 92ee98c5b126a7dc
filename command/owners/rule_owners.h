// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whose a rule is.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "command/owners/owners.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

using OwnerIndex = std::uint32_t;
// Of a rule that neither touches marks nor calls a chain: nobody asks whose it is.
inline constexpr OwnerIndex kNoOwner = std::numeric_limits<OwnerIndex>::max();

enum class OwnerKind : std::uint8_t {
  kKnown,    // software of the list, or named by the user
  kChains,   // whoever made chains with this name
  kBuiltin,  // whoever writes into built-in chains: as a rule, the administrator
  kRouting,  // policy rules of which nobody else is known
};

struct RuleOwner {
  std::string name;
  OwnerKind kind = OwnerKind::kChains;
  Owner facts;  // of kKnown
};

struct RuleOwners {
  // Those that have a rule, in the order of the rules.
  std::vector<RuleOwner> owners;
  std::vector<OwnerIndex> of_rule;
  std::vector<OwnerIndex> of_policy_rule;
};

// By, in this order: comment, chain and table of software in `known`, where the
// longest pattern wins; the chain that a rule of a built-in chain calls; the
// mask, if a rule of a built-in chain copies just that of software which is
// there; and else the chain's name up to its first '-' or '_'.
RuleOwners find_owners(const Ruleset &ruleset, const std::vector<Owner> &known);

}  // namespace connmark
