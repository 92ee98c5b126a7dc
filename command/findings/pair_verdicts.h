// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which owners can change what others see, each verdict with what it rests on.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "command/flow/mark_flow.h"
#include "command/flow/witness_replay.h"
#include "command/owners/rule_owners.h"

namespace connmark {

struct DecidedPair {
  OwnerIndex writer = 0;
  OwnerIndex victim = 0;
  Effect effect;
  std::optional<ReplayedWitness> replayed;  // wherever the effect has a witness
  // The victim looks at the writer's mark, writes none of the bits that differ, and the writer
  // writes them over nobody else's: as `ip rule` and the rules that mark for it.  No fault.
  bool serves = false;
  // Whose writes the victim would see, if it were not for the writer's; nothing where nobody's.
  std::optional<OwnerIndex> overwritten;

  // The witness's test comes out differently, or only one run comes to it; else other bits are
  // seen, and other packets may show what that does.
  bool outcome_differs = false;

  // The bits of Witness::mark that differ; all that are looked at, where only one run looks.
  std::uint32_t differing_bits() const;
};

struct PairVerdicts {
  std::vector<DecidedPair> pairs;
  std::size_t no_bit_in_common = 0;
  std::size_t not_followed = 0;  // pairs that are undecided because nobody followed them,
  std::string why_not;           // and why
  bool has_policy_rules = false;
  bool has_unknown_rules = false;  // that are not said to write anything

  std::size_t count_of(PairVerdict verdict) const;
  // The index of the pair; nothing where it was not followed, or has no bit in common.
  std::optional<std::size_t> find(OwnerIndex writer, OwnerIndex victim) const;
};

// What every verdict takes for granted, as sentences without a full stop.
std::vector<std::string> assumptions_of(const PairVerdicts &verdicts);
// The reason of a verdict as a sentence; empty for kApart and kWitness.
std::string reason_of(const DecidedPair &pair);

// What the audit spends on following packets.
FlowOptions options_of_audit();

PairVerdicts decide_pairs(const Ruleset &ruleset, const RuleOwners &owners);

}  // namespace connmark
