// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/save.h"

#include <gtest/gtest.h>

#include <string>

#include "print_operation.h"
#include "read_options.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

std::string save(const Operation &op) { return std::string(save_text(op).view()); }

TEST(SaveTest, PrintsEverySetOperationAsSetXmark) {
  EXPECT_EQ(save(set_mark(0x1)), " --set-xmark 0x1/0xffffffff");
  EXPECT_EQ(save(set_mark(0x1, 0xf0)), " --set-xmark 0x1/0xf1");
  EXPECT_EQ(save(set_xmark(0x1, 0xff)), " --set-xmark 0x1/0xff");
  EXPECT_EQ(save(and_mark(0xff)), " --set-xmark 0x0/0xffffff00");
  EXPECT_EQ(save(or_mark(0xff)), " --set-xmark 0xff/0xff");
  EXPECT_EQ(save(xor_mark(0xff)), " --set-xmark 0xff/0x0");
  EXPECT_EQ(save(xor_mark(0)), " --set-xmark 0x0/0x0");
}

TEST(SaveTest, PrintsBothMasksForSaveMark) {
  EXPECT_EQ(save(save_mark()), " --save-mark --nfmask 0xffffffff --ctmask 0xffffffff");
  EXPECT_EQ(save(save_mark(0xff, 0xff)), " --save-mark --nfmask 0xff --ctmask 0xff");
  EXPECT_EQ(save(save_mark(0, 0xffff)), " --save-mark --nfmask 0x0 --ctmask 0xffff");
}

TEST(SaveTest, PrintsBothMasksForRestoreMark) {
  EXPECT_EQ(save(restore_mark()), " --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff");
  EXPECT_EQ(save(restore_mark(0xff, 0xff)), " --restore-mark --nfmask 0xff --ctmask 0xff");
  EXPECT_EQ(save(restore_mark(0, 0xffff)), " --restore-mark --nfmask 0x0 --ctmask 0xffff");
}

TEST(SaveTest, PrintsTheShiftLast) {
  EXPECT_EQ(save(with_shift(set_mark(0x1), Direction::kLeft, 1)),
            " --set-xmark 0x1/0xffffffff --left-shift-mark 1");
  EXPECT_EQ(save(with_shift(save_mark(0x1, 0x2), Direction::kRight, 31)),
            " --save-mark --nfmask 0x1 --ctmask 0x2 --right-shift-mark 31");
  EXPECT_EQ(save(with_shift(restore_mark(0x1, 0x2), Direction::kLeft, 10)),
            " --restore-mark --nfmask 0x1 --ctmask 0x2 --left-shift-mark 10");
}

TEST(SaveTest, LeavesOutAZeroShift) {
  Operation op = set_mark(0x1);
  op.shift = {Direction::kRight, 0};
  EXPECT_EQ(save(op), " --set-xmark 0x1/0xffffffff");
}

TEST(SaveTest, PrintsAShiftThatTheKernelWouldRefuse) {
  EXPECT_EQ(save(with_shift(set_mark(0x1), Direction::kRight, 255)),
            " --set-xmark 0x1/0xffffffff --right-shift-mark 255");
}

TEST(SaveTest, SaysThatTheModeIsUnknown) {
  for (unsigned mode = 3; mode < 256; ++mode) {
    EXPECT_EQ(save({static_cast<Mode>(mode), 1, 2, 3, {Direction::kLeft, 4}}),
              " ERROR: UNKNOWN CONNMARK MODE");
  }
}

TEST(SaveTest, PrintsWhatMakesTheRule) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < 20000; ++i) {
    const Operation op = random.operation();
    ASSERT_EQ(save(op), std::string(" ").append(options_for(op))) << "CONNMARK_SEED=" << seed;
  }
}

TEST(SaveTest, IsReadBackAsTheSameOperation) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < 20000; ++i) {
    const Operation op = random.operation();
    const Reading reading = read_options(save(op));
    ASSERT_EQ(reading.error, "") << "CONNMARK_SEED=" << seed << save(op);
    ASSERT_TRUE(reading.warnings.empty()) << "CONNMARK_SEED=" << seed << save(op);
    ASSERT_EQ(reading.op, op) << "CONNMARK_SEED=" << seed << save(op);
  }
}

}  // namespace
}  // namespace connmark::test
