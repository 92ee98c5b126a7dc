// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a rule does to each bit of the mark that it writes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "command/marks/mark_rule.h"

namespace connmark {

// A bit after the rule is the XOR of at most one bit of the same mark before
// the rule, at most one bit of the other mark, and a constant.
struct BitEffect {
  int own = -1;           // bit of the written mark, -1 for none
  int other = -1;         // bit of the other mark, -1 for none
  bool inverted = false;  // the constant

  constexpr bool operator==(const BitEffect &) const = default;
};

// Indexed by the bit.  Found by asking apply(), so that it cannot disagree.
using BitEffects = std::array<BitEffect, 32>;
BitEffects bit_effects(const MarkRule &rule);

enum class BitChange : std::uint8_t {
  kKept,
  kCleared,
  kSet,
  kFlipped,
  kMoved,            // from another bit of the same mark
  kMovedAndFlipped,  // the same, inverted
  kCopied,           // from the other mark
  kMixed,            // kept, and flipped where the other mark's bit is set
};

// `bit` is the index of `effect`.
BitChange change_of(int bit, const BitEffect &effect);

// The bits with the same change, and the same way from their source.
struct BitGroup {
  BitChange change;
  std::uint32_t bits = 0;
  std::uint32_t sources = 0;  // of kMoved..kMixed: where they come from, bit by bit
};

// In the order of BitChange.
std::vector<BitGroup> bit_groups(const BitEffects &effects);

}  // namespace connmark
