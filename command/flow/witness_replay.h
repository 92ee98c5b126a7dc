// SPDX-License-Identifier: GPL-2.0-or-later
//
// A witness is believed once the interpreter has played it with numbers.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "command/flow/mark_flow.h"
#include "command/replay/interpreter.h"

namespace connmark {

struct ReplayedWitness {
  // Of each packet of the witness, as it is and without what is left out.
  std::vector<std::array<Trace, kRuns>> packets;
  // What differs in the last one: in both runs; or in `only`, if just this one looks.
  std::array<std::uint32_t, kRuns> seen = {};
  std::optional<std::size_t> only;
};

// The rules of `silenced`, one for each rule, write no marks in the second run.  Nothing where
// the packets do not behave as the witness says.
std::optional<ReplayedWitness> replay(const Ruleset &ruleset, const std::vector<bool> &silenced,
                                      const Witness &witness);

}  // namespace connmark
