// SPDX-License-Identifier: GPL-2.0-or-later
//
// A witness is believed once the interpreter has played it with numbers.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "command/flow/owner_pairs.h"
#include "command/replay/interpreter.h"

namespace connmark {

struct ReplayedWitness {
  // Of each packet of the witness, as it is and without the writer's mark writes.
  std::vector<std::array<Trace, kRuns>> packets;
  // What differs in the last one: in both runs; or in `only`, if just this one looks.
  std::array<std::uint32_t, kRuns> seen = {};
  std::optional<std::size_t> only;
};

// Nothing where the packets do not behave as the witness says.
std::optional<ReplayedWitness> replay(const Ruleset &ruleset, const OwnersOfRules &owners,
                                      OwnerIndex writer, const Witness &witness);

}  // namespace connmark
