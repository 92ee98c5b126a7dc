// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/operation.h"

#include <gtest/gtest.h>

#include "print_operation.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr int kRandomOperations = 20000;

constexpr Marks kSome{0x12345678, 0x9abcdef0};

constexpr bool bit(std::uint32_t value, int i) {
  return i >= 0 && i < 32 && ((value >> i) & 1) != 0;
}

// One bit of each mark after the operation, by the kernel's table of effects
// and without its arithmetic: the bit that a shift moves to place i comes from
// place i - n or i + n, and from nowhere if that is outside the 32.
bool ct_bit_after(const Operation &op, Marks before, int i) {
  const int from = op.shift.direction == Direction::kRight ? i + op.shift.bits : i - op.shift.bits;
  switch (op.mode) {
    case Mode::kSet:
      return (bit(before.ct, from) && !bit(op.ctmask, from)) != bit(op.ctmark, from);
    case Mode::kSave:
      return (bit(before.ct, i) && !bit(op.ctmask, i)) !=
             (bit(before.nf, from) && bit(op.nfmask, from));
    default:
      return bit(before.ct, i);
  }
}

bool nf_bit_after(const Operation &op, Marks before, int i) {
  const int from = op.shift.direction == Direction::kRight ? i + op.shift.bits : i - op.shift.bits;
  if (op.mode != Mode::kRestore) return bit(before.nf, i);
  return (bit(before.nf, i) && !bit(op.nfmask, i)) !=
         (bit(before.ct, from) && bit(op.ctmask, from));
}

Marks bit_by_bit(const Operation &op, Marks before) {
  Marks after;
  for (int i = 0; i < 32; ++i) {
    after.ct |= std::uint32_t{ct_bit_after(op, before, i)} << i;
    after.nf |= std::uint32_t{nf_bit_after(op, before, i)} << i;
  }
  return after;
}

constexpr Marks operator^(Marks a, Marks b) { return {a.ct ^ b.ct, a.nf ^ b.nf}; }

TEST(ShiftedTest, MovesEachBitAndLosesThoseThatLeave) {
  for (unsigned place = 0; place < 32; ++place) {
    for (unsigned n = 0; n < 32; ++n) {
      const std::uint32_t value = std::uint32_t{1} << place;
      const auto bits = static_cast<std::uint8_t>(n);
      EXPECT_EQ(shifted(value, {Direction::kLeft, bits}),
                place + n < 32 ? std::uint32_t{1} << (place + n) : 0);
      EXPECT_EQ(shifted(value, {Direction::kRight, bits}),
                place >= n ? std::uint32_t{1} << (place - n) : 0);
    }
  }
}

TEST(ShiftedTest, YieldsZeroBeyondTheWidth) {
  for (unsigned n = 32; n < 256; ++n) {
    const auto bits = static_cast<std::uint8_t>(n);
    EXPECT_EQ(shifted(kAllBits, {Direction::kLeft, bits}), 0U) << n;
    EXPECT_EQ(shifted(kAllBits, {Direction::kRight, bits}), 0U) << n;
  }
}

TEST(OperationTest, StartsAsTheDefaultsOfARule) {
  const Operation op;
  EXPECT_EQ(op.mode, Mode::kSet);
  EXPECT_EQ(op.ctmark, 0U);
  EXPECT_EQ(op.ctmask, 0xffffffff);
  EXPECT_EQ(op.nfmask, 0xffffffff);
  EXPECT_EQ(op.shift, (Shift{Direction::kLeft, 0}));
}

TEST(OperationTest, NamesTheFieldsOfEachOption) {
  EXPECT_EQ(set_xmark(0x12, 0xf0), (Operation{Mode::kSet, 0x12, 0xf0, kAllBits, {}}));
  EXPECT_EQ(set_xmark(0x12), (Operation{Mode::kSet, 0x12, kAllBits, kAllBits, {}}));
  EXPECT_EQ(set_mark(0x12, 0xf0), (Operation{Mode::kSet, 0x12, 0xf2, kAllBits, {}}));
  EXPECT_EQ(set_mark(0x12), (Operation{Mode::kSet, 0x12, kAllBits, kAllBits, {}}));
  EXPECT_EQ(and_mark(0xff), (Operation{Mode::kSet, 0, 0xffffff00, kAllBits, {}}));
  EXPECT_EQ(or_mark(0xff), (Operation{Mode::kSet, 0xff, 0xff, kAllBits, {}}));
  EXPECT_EQ(xor_mark(0xff), (Operation{Mode::kSet, 0xff, 0, kAllBits, {}}));
  EXPECT_EQ(save_mark(0x0f, 0xf0), (Operation{Mode::kSave, 0, 0xf0, 0x0f, {}}));
  EXPECT_EQ(save_mark(), (Operation{Mode::kSave, 0, kAllBits, kAllBits, {}}));
  EXPECT_EQ(restore_mark(0x0f, 0xf0), (Operation{Mode::kRestore, 0, 0xf0, 0x0f, {}}));
  EXPECT_EQ(restore_mark(), (Operation{Mode::kRestore, 0, kAllBits, kAllBits, {}}));
}

TEST(OperationTest, KnowsThreeModes) {
  for (unsigned mode = 0; mode < 256; ++mode) {
    EXPECT_EQ(is_known(static_cast<Mode>(mode)), mode < 3) << mode;
  }
}

TEST(ApplyTest, SetWritesTheConnectionMark) {
  EXPECT_EQ(apply(set_xmark(0x0ff0, 0xff00), kSome), (Marks{0x12340f88, 0x9abcdef0}));
  EXPECT_EQ(apply(set_mark(0x1), kSome), (Marks{0x1, 0x9abcdef0}));
  EXPECT_EQ(apply(set_mark(0x1, 0xff), kSome), (Marks{0x12345601, 0x9abcdef0}));
}

TEST(ApplyTest, SetShiftsTheWholeResult) {
  EXPECT_EQ(apply(with_shift(set_mark(0x1, 0xff), Direction::kLeft, 8), kSome),
            (Marks{0x34560100, 0x9abcdef0}));
  EXPECT_EQ(apply(with_shift(set_mark(0x1, 0xff), Direction::kRight, 4), kSome),
            (Marks{0x01234560, 0x9abcdef0}));
}

TEST(ApplyTest, SaveShiftsOnlyWhatItCopies) {
  EXPECT_EQ(apply(save_mark(), kSome), (Marks{0x9abcdef0, 0x9abcdef0}));
  EXPECT_EQ(apply(save_mark(0xff, 0xff), kSome), (Marks{0x123456f0, 0x9abcdef0}));
  EXPECT_EQ(apply(with_shift(save_mark(0xff, 0xff00), Direction::kLeft, 8), kSome),
            (Marks{0x1234f078, 0x9abcdef0}));
}

TEST(ApplyTest, SaveFlipsBitsOutsideTheCtmask) {
  EXPECT_EQ(apply(save_mark(0xff, 0), {0xff, 0x0f}), (Marks{0xf0, 0x0f}));
}

TEST(ApplyTest, RestoreShiftsOnlyWhatItCopies) {
  EXPECT_EQ(apply(restore_mark(), kSome), (Marks{0x12345678, 0x12345678}));
  EXPECT_EQ(apply(restore_mark(0xff, 0xff), kSome), (Marks{0x12345678, 0x9abcde78}));
  EXPECT_EQ(apply(with_shift(restore_mark(0xff, 0xff00), Direction::kRight, 8), kSome),
            (Marks{0x12345678, 0x9abcde56}));
}

TEST(ApplyTest, UnknownModeChangesNothing) {
  for (unsigned mode = 3; mode < 256; ++mode) {
    EXPECT_EQ(apply({static_cast<Mode>(mode), 0xff, 0xff, 0xff, {Direction::kLeft, 3}}, kSome),
              kSome)
        << mode;
  }
}

TEST(ApplyTest, ReadsAShiftBeyondTheWidthAsZeroBits) {
  EXPECT_EQ(apply(with_shift(set_mark(1), Direction::kLeft, 32), kSome).ct, 0U);
  EXPECT_EQ(apply(with_shift(save_mark(0xff, 0xff), Direction::kRight, 255), kSome).ct,
            0x12345600U);
}

TEST(ApplyTest, DoesToEachBitWhatTheKernelDoes) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomOperations; ++i) {
    const Operation op = random.operation();
    const Marks marks{random.mark(), random.mark()};
    ASSERT_EQ(apply(op, marks), bit_by_bit(op, marks))
        << "CONNMARK_SEED=" << seed << " " << testing::PrintToString(op) << " on "
        << testing::PrintToString(marks);
  }
}

TEST(ApplyTest, MeansWhatEachMnemonicSays) {
  for (std::uint32_t mark = 0; mark < 16; ++mark) {
    for (std::uint32_t value = 0; value < 16; ++value) {
      const Marks marks{mark, 0x55};
      EXPECT_EQ(apply(and_mark(value), marks), (Marks{mark & value, 0x55}));
      EXPECT_EQ(apply(or_mark(value), marks), (Marks{mark | value, 0x55}));
      EXPECT_EQ(apply(xor_mark(value), marks), (Marks{mark ^ value, 0x55}));
      for (std::uint32_t mask = 0; mask < 16; ++mask) {
        EXPECT_EQ(apply(set_mark(value, mask), marks), (Marks{(mark & ~mask) | value, 0x55}));
        EXPECT_EQ(apply(set_xmark(value, mask), marks), (Marks{(mark & ~mask) ^ value, 0x55}));
      }
    }
  }
}

TEST(ApplyTest, CopiesEveryCombinationOfFourBits) {
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const Marks marks{i & 0xf, (i >> 4) & 0xf};
    const std::uint32_t ctmask = (i >> 8) & 0xf;
    const std::uint32_t nfmask = i >> 12;
    ASSERT_EQ(apply(save_mark(nfmask, ctmask), marks),
              (Marks{(marks.ct & ~ctmask) ^ (marks.nf & nfmask), marks.nf}));
    ASSERT_EQ(apply(restore_mark(nfmask, ctmask), marks),
              (Marks{marks.ct, (marks.nf & ~nfmask) ^ (marks.ct & ctmask)}));
  }
}

// Every operation is affine over bits: op(a ^ b) ^ op(0) is the same as
// (op(a) ^ op(0)) ^ (op(b) ^ op(0)).  So what it does to the zero and to the 64
// pairs of marks with a single bit settles what it does to all 2^64 pairs, and
// a test that tries those 65 has tried them all.
TEST(ApplyTest, IsAffine) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomOperations; ++i) {
    Operation op = random.operation();
    if (random.one_in(20)) op.mode = static_cast<Mode>(random.below(256));
    if (random.one_in(20)) op.shift.bits = static_cast<std::uint8_t>(random.below(256));
    const Marks a{random.mark(), random.mark()};
    const Marks b{random.mark(), random.mark()};
    const Marks zero = apply(op, {});
    ASSERT_EQ(apply(op, a ^ b) ^ zero, (apply(op, a) ^ zero) ^ (apply(op, b) ^ zero))
        << "CONNMARK_SEED=" << seed << " " << testing::PrintToString(op) << " on "
        << testing::PrintToString(a) << " and " << testing::PrintToString(b);
  }
}

TEST(ApplyTest, IsSettledByTheSingleBits) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomOperations / 10; ++i) {
    const Operation op = random.operation();
    const Marks marks{random.mark(), random.mark()};
    const Marks zero = apply(op, {});
    Marks sum = zero;
    for (int place = 0; place < 32; ++place) {
      const std::uint32_t unit = std::uint32_t{1} << place;
      if (bit(marks.ct, place)) sum = sum ^ apply(op, {unit, 0}) ^ zero;
      if (bit(marks.nf, place)) sum = sum ^ apply(op, {0, unit}) ^ zero;
    }
    ASSERT_EQ(apply(op, marks), sum)
        << "CONNMARK_SEED=" << seed << " " << testing::PrintToString(op);
  }
}

TEST(CanonicalTest, DropsWhatTheModeDoesNotRead) {
  const Shift zero_right{Direction::kRight, 0};
  EXPECT_EQ(canonical({Mode::kSet, 1, 2, 3, zero_right}),
            (Operation{Mode::kSet, 1, 2, kAllBits, {}}));
  EXPECT_EQ(canonical({Mode::kSave, 1, 2, 3, zero_right}), (Operation{Mode::kSave, 0, 2, 3, {}}));
  EXPECT_EQ(canonical({Mode::kRestore, 1, 2, 3, zero_right}),
            (Operation{Mode::kRestore, 0, 2, 3, {}}));
}

TEST(CanonicalTest, KeepsTheRest) {
  const Shift right{Direction::kRight, 1};
  EXPECT_EQ(canonical({Mode::kSet, 1, 2, kAllBits, right}),
            (Operation{Mode::kSet, 1, 2, kAllBits, right}));
  EXPECT_EQ(canonical({Mode::kSave, 0, 2, 3, right}), (Operation{Mode::kSave, 0, 2, 3, right}));
  EXPECT_EQ(canonical({Mode::kRestore, 0, 2, 3, right}),
            (Operation{Mode::kRestore, 0, 2, 3, right}));
  EXPECT_EQ(canonical({Mode{3}, 1, 2, 3, right}), (Operation{Mode{3}, 1, 2, 3, right}));
}

TEST(CanonicalTest, WritesEveryDirectionButRightAsLeft) {
  for (unsigned n = 0; n < 256; ++n) {
    const Shift shift{static_cast<Direction>(n), 9};
    const Direction expected = n == 1 ? Direction::kRight : Direction::kLeft;
    EXPECT_EQ(canonical({Mode::kSave, 0, 2, 3, shift}),
              (Operation{Mode::kSave, 0, 2, 3, {expected, 9}}));
    EXPECT_EQ(shifted(0x12345678, shift), shifted(0x12345678, {expected, 9}));
  }
}

TEST(CanonicalTest, KeepsTheEffectAndIsUnique) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomOperations; ++i) {
    const Operation op = random.operation();
    Operation noisy = op;
    if (op.mode == Mode::kSet) noisy.nfmask = random.mark();
    if (op.mode != Mode::kSet) noisy.ctmark = random.mark();
    if (op.shift.bits == 0) noisy.shift.direction = Direction::kRight;
    const Marks marks{random.mark(), random.mark()};
    ASSERT_EQ(apply(noisy, marks), apply(op, marks)) << "CONNMARK_SEED=" << seed;
    ASSERT_EQ(canonical(noisy), op) << "CONNMARK_SEED=" << seed;
  }
}

TEST(OperationTest, ZeroShiftHasNoDirection) {
  EXPECT_EQ(with_shift(set_mark(1), Direction::kRight, 0), set_mark(1));
  EXPECT_EQ(with_shift(set_mark(1), Direction::kRight, 1).shift, (Shift{Direction::kRight, 1}));
}

}  // namespace
}  // namespace connmark::test
