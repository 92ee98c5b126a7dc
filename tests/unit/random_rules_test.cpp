// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/random_rules.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "print_operation.h"

namespace connmark::test {
namespace {

TEST(RandomRulesTest, SameSeedDrawsTheSameRules) {
  RandomRules first(7);
  RandomRules second(7);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(first.operation(), second.operation());
}

TEST(RandomRulesTest, DrawsCanonicalRulesThatKernelsTake) {
  RandomRules random(7);
  for (int i = 0; i < 10000; ++i) {
    const Operation op = random.operation();
    ASSERT_TRUE(is_known(op.mode));
    ASSERT_LE(op.shift.bits, kMaxShiftBits);
    ASSERT_EQ(canonical(op), op);
  }
}

TEST(RandomRulesTest, DrawsEveryModeWithEveryShift) {
  RandomRules random(7);
  std::set<std::tuple<Mode, Direction, std::uint8_t>> drawn;
  for (int i = 0; i < 20000; ++i) {
    const Operation op = random.operation();
    drawn.insert({op.mode, op.shift.direction, op.shift.bits});
  }
  EXPECT_EQ(drawn.size(), 3U * (1 + 31 + 31));
}

TEST(RandomRulesTest, DrawsTheMarksAtTheEnds) {
  RandomRules random(7);
  std::set<std::uint32_t> drawn;
  for (int i = 0; i < 20000; ++i) drawn.insert(random.mark());
  EXPECT_TRUE(drawn.contains(0));
  EXPECT_TRUE(drawn.contains(kAllBits));
  for (unsigned place = 0; place < 32; ++place) {
    EXPECT_TRUE(drawn.contains(std::uint32_t{1} << place)) << place;
  }
}

TEST(RandomRulesTest, WritesOptionsAsIptablesSaveDoes) {
  EXPECT_EQ(options_for(set_xmark(0x1, 0xff)), "--set-xmark 0x1/0xff");
  EXPECT_EQ(options_for(with_shift(save_mark(0x1, 0x2), Direction::kLeft, 3)),
            "--save-mark --nfmask 0x1 --ctmask 0x2 --left-shift-mark 3");
  EXPECT_EQ(options_for(with_shift(restore_mark(0x1, 0x2), Direction::kRight, 3)),
            "--restore-mark --nfmask 0x1 --ctmask 0x2 --right-shift-mark 3");
}

}  // namespace
}  // namespace connmark::test
