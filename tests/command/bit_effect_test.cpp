// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/bit_effect.h"

#include <gtest/gtest.h>

#include <iostream>

#include "support/random_rules.h"

namespace connmark::test {
namespace {

BitChange change(const Operation &op, int bit) {
  return change_of(bit, bit_effects({Target::kConnmark, op})[static_cast<std::size_t>(bit)]);
}

bool bit_of(std::uint32_t value, int bit) { return bit >= 0 && (value >> bit & 1) != 0; }

TEST(BitEffectTest, NamesEachChange) {
  EXPECT_EQ(change(set_mark(1, 3), 2), BitChange::kKept);
  EXPECT_EQ(change(set_mark(1, 3), 1), BitChange::kCleared);
  EXPECT_EQ(change(set_mark(1, 3), 0), BitChange::kSet);
  EXPECT_EQ(change(xor_mark(1), 0), BitChange::kFlipped);
  EXPECT_EQ(change(with_shift(xor_mark(1), Direction::kLeft, 4), 5), BitChange::kMoved);
  EXPECT_EQ(change(with_shift(xor_mark(1), Direction::kLeft, 4), 4), BitChange::kMovedAndFlipped);
  EXPECT_EQ(change(with_shift(xor_mark(1), Direction::kLeft, 4), 3), BitChange::kCleared);
  EXPECT_EQ(change(restore_mark(1, 1), 0), BitChange::kCopied);
  EXPECT_EQ(change(restore_mark(1, 1), 1), BitChange::kKept);
  EXPECT_EQ(change(restore_mark(0, 1), 0), BitChange::kMixed);
  EXPECT_EQ(change(restore_mark(1, 0), 0), BitChange::kCleared);
}

TEST(BitEffectTest, TellsWhereABitComesFrom) {
  const BitEffects effects =
      bit_effects({Target::kConnmark, with_shift(save_mark(0xff, 0xff00), Direction::kLeft, 8)});
  EXPECT_EQ(effects[8], (BitEffect{-1, 0, false}));
  EXPECT_EQ(effects[15], (BitEffect{-1, 7, false}));
  EXPECT_EQ(effects[16], (BitEffect{16, -1, false}));
}

TEST(BitEffectTest, MarkEditsThePacketsOwnBits) {
  const BitEffects effects = bit_effects({Target::kMark, xor_mark(2)});
  EXPECT_EQ(effects[0], (BitEffect{0, -1, false}));
  EXPECT_EQ(effects[1], (BitEffect{1, -1, true}));
}

// The kernel's result for random marks, put together from the effects.
TEST(BitEffectTest, AccountsForEveryBitOfTheResult) {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  for (int i = 0; i < 3000; ++i) {
    const MarkRule rule{Target::kConnmark, random.operation()};
    const Marks before{random.mark(), random.mark()};
    const bool to_connection = written_mark(rule) == Mark::kConnection;
    const std::uint32_t own = to_connection ? before.ct : before.nf;
    const std::uint32_t other = to_connection ? before.nf : before.ct;
    std::uint32_t result = 0;
    const BitEffects effects = bit_effects(rule);
    for (int bit = 0; bit < 32; ++bit) {
      const BitEffect &effect = effects[static_cast<std::size_t>(bit)];
      const bool set = bit_of(own, effect.own) ^ bit_of(other, effect.other) ^ effect.inverted;
      if (set) result |= std::uint32_t{1} << bit;
    }
    const Marks after = apply(rule, before);
    ASSERT_EQ(result, to_connection ? after.ct : after.nf) << saved_form(rule);
  }
}

TEST(BitEffectTest, GroupsHoldEachBitOnce) {
  RandomRules random(random_seed());
  for (int i = 0; i < 300; ++i) {
    std::uint32_t seen = 0;
    for (const BitGroup &group : bit_groups(bit_effects({Target::kConnmark, random.operation()}))) {
      EXPECT_EQ(seen & group.bits, 0U);
      EXPECT_NE(group.bits, 0U);
      seen |= group.bits;
    }
    EXPECT_EQ(seen, kAllBits);
  }
}

}  // namespace
}  // namespace connmark::test
