// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decides what owners do to one another by trying everything there is, with the
// interpreter: a second opinion on purpose, to compare an analysis with.
//
// For owners A and B two replays of the same packets are compared, the second
// without A's writes of marks.  Tried are: each family that some chain is of alone,
// each order of base chains of equal priority, each protocol (which a connection
// keeps), and for each packet each way, direction, start mark, and each outcome of
// matches that values of their attributes can bring about together; packets without
// a connection, too.  What one packet makes of the two replays' connections is where
// the next begins, until nothing new comes; but for its mark the connection is in both
// what it really is, without anything left out.  A connection starts with the mark 0, a
// RELATED one with what a confirmed one may have.  An answer that hangs on marks
// (sets, maps) is the same in both replays where the marks looked at are.
#pragma once

#include <cstdint>
#include <vector>

#include "command/replay/interpreter.h"
#include "command/rule_set/ruleset.h"
#include "flow/random_ruleset.h"

namespace connmark::test {

enum class Decision : std::uint8_t {
  kApart,     // at each observation by B that both replays come to, B sees the same bits
  kKeptAway,  // that too, but some observation by B only one replay comes to
  kWitness,   // some observation by B has other bits without A's writes
};

// One packet that shows it.
struct Example {
  std::vector<std::uint32_t> ranks;  // of the interpreter
  Packet packet;
  Marks before_with_writes, before_without_writes;
  Observation seen;              // with A's writes, or the one that is not come to
  std::uint32_t other_bits = 0;  // of a witness: what B sees without A's writes
};

struct PairDecision {
  Decision decision = Decision::kApart;
  Example example;
};

struct Decisions {
  int owners = 0;
  std::vector<PairDecision> pairs;
  // False: given up, since there are too many ways; what is said is true, and may not be all.
  bool is_complete = true;

  const PairDecision &of(int writer, int victim) const {
    return pairs[static_cast<std::size_t>(writer * owners + victim)];
  }
};

// `bits`, at most 4 of them, are all that marks have: no rule writes others.  Throws
// std::invalid_argument for more bits, or for matches with more than 64 outcomes.
Decisions decide_by_brute_force(const Ruleset &ruleset, const Owners &owners, std::uint32_t bits);

}  // namespace connmark::test
