// SPDX-License-Identifier: GPL-2.0-or-later
//
// Expressions drawn at random, folded, and calculated with numbers.
#include "command/marks/mark_expression.h"

#include <gtest/gtest.h>

#include <bit>
#include <iostream>
#include <string>

#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr int kExpressions = 2000;
constexpr int kMarksEach = 16;

std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

// What `expression` makes of the marks, in the bits that are known.
std::uint32_t value_of(const MarkExpression &expression, Marks marks) {
  std::uint32_t value = 0;
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = expression.bit(i);
    bool on = bit.inverted;
    if (bit.connection >= 0) on ^= (marks.ct >> bit.connection & 1) != 0;
    if (bit.packet >= 0) on ^= (marks.nf >> bit.packet & 1) != 0;
    if (on && !bit.unknown) value |= one(i);
  }
  return value;
}

// An expression, and what it yields for some marks.
struct Calculated {
  MarkExpression expression;
  std::array<std::uint32_t, kMarksEach> values = {};
  std::string text;
};

class MarkExpressionTest : public testing::Test {
 protected:
  MarkExpressionTest() : random_(random_seed()) {
    std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
    for (Marks &each : marks_) each = {random_.mark(), random_.mark()};
  }

  template <typename ValueOf>
  Calculated leaf(const MarkExpression &expression, std::string text, ValueOf value_of) {
    Calculated result{expression, {}, std::move(text)};
    for (std::size_t i = 0; i < marks_.size(); ++i) result.values[i] = value_of(marks_[i]);
    return result;
  }

  Calculated draw_leaf() {
    switch (random_.below(3)) {
      case 0:
        return leaf(MarkExpression::of(Mark::kConnection), "ct", [](Marks m) { return m.ct; });
      case 1:
        return leaf(MarkExpression::of(Mark::kPacket), "nf", [](Marks m) { return m.nf; });
      default: {
        const std::uint32_t value = random_.mark();
        return leaf(MarkExpression::constant(value), std::to_string(value),
                    [value](Marks) { return value; });
      }
    }
  }

  Calculated draw(int depth) {
    if (depth == 0) return draw_leaf();
    Calculated left = draw(depth - 1);
    const std::uint32_t op = random_.below(5);
    if (op > 2) {
      const std::uint32_t bits = random_.below(34);
      left.expression = op == 3 ? left.expression << bits : left.expression >> bits;
      for (std::uint32_t &value : left.values) {
        value = bits > 31 ? 0 : op == 3 ? value << bits : value >> bits;
      }
      left.text = "(" + left.text + (op == 3 ? " << " : " >> ") + std::to_string(bits) + ")";
      return left;
    }
    const Calculated right =
        draw(static_cast<int>(random_.below(static_cast<std::uint32_t>(depth))));
    left.text = "(" + left.text + std::string(1, "&|^"[op]) + right.text + ")";
    left.expression = op == 0   ? left.expression & right.expression
                      : op == 1 ? left.expression | right.expression
                                : left.expression ^ right.expression;
    for (std::size_t i = 0; i < left.values.size(); ++i) {
      std::uint32_t &value = left.values[i];
      value = op == 0   ? value & right.values[i]
              : op == 1 ? value | right.values[i]
                        : value ^ right.values[i];
    }
    return left;
  }

  RandomRules random_;
  std::array<Marks, kMarksEach> marks_;
};

TEST_F(MarkExpressionTest, YieldsWhatTheNumbersYieldInEachKnownBit) {
  int known = 0;
  for (int i = 0; i < kExpressions; ++i) {
    const Calculated drawn = draw(1 + static_cast<int>(random_.below(5)));
    const std::uint32_t mask = ~drawn.expression.unknown_bits();
    known += std::popcount(mask);
    for (std::size_t m = 0; m < marks_.size(); ++m) {
      ASSERT_EQ(value_of(drawn.expression, marks_[m]), drawn.values[m] & mask) << drawn.text;
    }
  }
  // Else this would pass for an algebra that knows nothing.
  EXPECT_GT(known, kExpressions * 32 * 3 / 4);
}

TEST_F(MarkExpressionTest, KnowsEachBitOfAStatementWithConstantMasks) {
  for (int i = 0; i < kExpressions; ++i) {
    const std::uint32_t mask = random_.mark();
    const MarkExpression merged =
        (MarkExpression::of(Mark::kConnection) & MarkExpression::constant(~mask)) |
        ((MarkExpression::of(Mark::kPacket) << random_.below(32)) & MarkExpression::constant(mask));
    EXPECT_EQ(merged.unknown_bits(), 0U) << mask;
  }
}

TEST_F(MarkExpressionTest, AgreesWithTheKernelsArithmeticForEachRule) {
  for (int i = 0; i < kExpressions; ++i) {
    MarkRule rule{Target::kConnmark, random_.operation()};
    if (rule.op.mode == Mode::kSet && rule.op.shift.bits == 0 && random_.one_in(2)) {
      rule.target = Target::kMark;
    }
    const MarkExpression expression = expression_of(rule);
    EXPECT_EQ(expression.unknown_bits(), 0U) << saved_form(rule);
    for (const Marks &marks : marks_) {
      const Marks after = apply(rule, marks);
      EXPECT_EQ(value_of(expression, marks),
                written_mark(rule) == Mark::kConnection ? after.ct : after.nf)
          << saved_form(rule);
    }
  }
}

TEST_F(MarkExpressionTest, SaysWhichBitsAWriteChanges) {
  const MarkExpression restored = expression_of({Target::kConnmark, restore_mark(0xff, 0xff)});
  EXPECT_EQ(changed_bits(Mark::kPacket, restored), 0xffU);
  EXPECT_EQ(copied_bits(Mark::kPacket, restored), 0xffU);
  EXPECT_EQ(source_bits(Mark::kConnection, Mark::kPacket, restored), 0xffU);
  const MarkExpression saved =
      expression_of({Target::kConnmark, with_shift(save_mark(0xff, 0xff00), Direction::kLeft, 8)});
  EXPECT_EQ(changed_bits(Mark::kConnection, saved), 0xff00U);
  EXPECT_EQ(source_bits(Mark::kPacket, Mark::kConnection, saved), 0xffU);
  EXPECT_EQ(source_bits(Mark::kConnection, Mark::kConnection, saved), 0U);
}

TEST_F(MarkExpressionTest, ForgetsNoUnknownBitButWhereAMaskTakesIt) {
  const MarkExpression unknown = MarkExpression::unknown();
  EXPECT_EQ((unknown & MarkExpression::constant(0xf0)).unknown_bits(), 0xf0U);
  EXPECT_EQ((unknown | MarkExpression::constant(0xf0)).unknown_bits(), 0xffffff0fU);
  EXPECT_EQ((unknown ^ unknown).unknown_bits(), kAllBits);
  EXPECT_EQ((unknown << 8).unknown_bits(), 0xffffff00U);
}

}  // namespace
}  // namespace connmark::test
