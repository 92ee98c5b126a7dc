// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which bits can ever depend on which, whatever the order of the rules: enough to see that
// two owners have nothing to do with each other, in time that is linear in the rules.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "command/flow/packet_variables.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// Bits of both marks: the packet's are 0 to 31, the connection's 32 to 63.
using BitsOfBoth = std::uint64_t;

constexpr BitsOfBoth bits_of(Mark mark, std::uint32_t bits) {
  return mark == Mark::kPacket ? BitsOfBoth{bits} : BitsOfBoth{bits} << 32;
}

class BitTraffic {
 public:
  explicit BitTraffic(const Ruleset &ruleset);

  // What depends on `bits`, themselves included: copies, and what is written under tests of
  // them, or behind a verdict that hangs on such a test.
  BitsOfBoth reached_from(BitsOfBoth bits) const;
  // All that is looked at, by the rules or `elsewhere`, and what is copied there.
  RelevantBits relevant(BitsOfBoth elsewhere = 0) const;

 private:
  std::array<BitsOfBoth, 64> leads_to_ = {};
  std::array<BitsOfBoth, 64> comes_from_ = {};  // by copies alone
  BitsOfBoth looked_at_ = 0;
};

// What the rule writes, or looks at.
BitsOfBoth written_by(const Rule &rule);
BitsOfBoth looked_at_by(const Rule &rule);

}  // namespace connmark
