// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/translate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nft_statement.h"
#include "print_operation.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr Direction kLeft = Direction::kLeft;
constexpr Direction kRight = Direction::kRight;

// "" where the translation is declined.
std::string nft(const Operation &op) {
  TextBuffer text;
  const bool translated = translate(op, text);
  EXPECT_EQ(translated, text.size() != 0);
  return std::string(text.view());
}

// Operations are affine, so what one does to the zero and to the single bits
// settles it.  A statement need not be: `or` of two marks is not, and tells
// itself apart where both have a bit, as in the marks with all bits.
std::vector<Marks> telling_marks() {
  std::vector<Marks> marks = {{0, 0}, {kAllBits, 0}, {0, kAllBits}, {kAllBits, kAllBits}};
  for (unsigned place = 0; place < 32; ++place) {
    const std::uint32_t unit = std::uint32_t{1} << place;
    marks.push_back({unit, 0});
    marks.push_back({0, unit});
  }
  return marks;
}

std::vector<Marks> after(const Operation &op, const std::vector<Marks> &before) {
  std::vector<Marks> result;
  for (const Marks &each : before) result.push_back(apply(op, each));
  return result;
}

void expect_exact(const Operation &op, const std::vector<Marks> &before) {
  const std::string statement = nft(op);
  EXPECT_EQ(run_nft(statement, before), after(op, before))
      << testing::PrintToString(op) << " as " << statement;
  EXPECT_EQ(run_nft(statement, before, false), before)
      << testing::PrintToString(op) << " as " << statement << ", without a connection";
}

// ---- The words

TEST(TranslateTest, KeepsTheWordsOfIptablesPlainStatements) {
  EXPECT_EQ(nft(set_mark(0x1)), "ct mark set 0x1");
  EXPECT_EQ(nft(set_mark(0)), "ct mark set 0x0");
  EXPECT_EQ(nft(set_mark(0xffffffff)), "ct mark set 0xffffffff");
  EXPECT_EQ(nft(and_mark(0x1)), "ct mark set ct mark and 0x1");
  EXPECT_EQ(nft(and_mark(0)), "ct mark set 0x0");
  EXPECT_EQ(nft(or_mark(0x1)), "ct mark set ct mark or 0x1");
  EXPECT_EQ(nft(or_mark(0xffffffff)), "ct mark set 0xffffffff");
  EXPECT_EQ(nft(xor_mark(0x1)), "ct mark set ct mark xor 0x1");
  EXPECT_EQ(nft(xor_mark(0xffffffff)), "ct mark set ct mark xor 0xffffffff");
  EXPECT_EQ(nft(save_mark()), "ct mark set mark");
  EXPECT_EQ(nft(restore_mark()), "meta mark set ct mark");
}

TEST(TranslateTest, CopiesWithoutTheOldValueWhereTheMaskClearsItAll) {
  EXPECT_EQ(nft(save_mark(0x1, kAllBits)), "ct mark set mark and 0x1");
  EXPECT_EQ(nft(restore_mark(kAllBits, 0x1)), "meta mark set ct mark and 0x1");
}

TEST(TranslateTest, WritesANoOpThatLoads) {
  EXPECT_EQ(nft(xor_mark(0)), "ct mark set ct mark and 0xffffffff");
  EXPECT_EQ(nft(and_mark(kAllBits)), "ct mark set ct mark and 0xffffffff");
  EXPECT_EQ(nft(or_mark(0)), "ct mark set ct mark and 0xffffffff");
  EXPECT_EQ(nft(save_mark(0, 0)), "ct mark set ct mark");
  EXPECT_EQ(nft(restore_mark(0, 0)), "meta mark set mark");
}

TEST(TranslateTest, ClearsTheBitsOfAnEmptySource) {
  EXPECT_EQ(nft(save_mark(0, 0xff)), "ct mark set ct mark and 0xffffff00");
  EXPECT_EQ(nft(restore_mark(0xff, 0)),
            "ct state established,related,new meta mark set mark and 0xffffff00");
  EXPECT_EQ(nft(save_mark(0, kAllBits)), "ct mark set 0x0");
  EXPECT_EQ(nft(restore_mark(kAllBits, 0)), "ct state established,related,new meta mark set 0x0");
}

TEST(TranslateTest, JoinsByOrWhatHasNoBitInCommonElseByXor) {
  EXPECT_EQ(nft(set_xmark(0x1, 0xff)), "ct mark set ct mark and 0xffffff00 or 0x1");
  EXPECT_EQ(nft(set_mark(0x1, 0xf0)), "ct mark set ct mark and 0xffffff0e or 0x1");
  EXPECT_EQ(nft(set_xmark(0x16, 0x12)), "ct mark set ct mark and 0xffffffed xor 0x16");
  EXPECT_EQ(nft(save_mark(0xff, 0xff)), "ct mark set ct mark and 0xffffff00 or meta mark and 0xff");
  EXPECT_EQ(nft(save_mark(0xffff, 0xff)),
            "ct mark set ct mark and 0xffffff00 xor meta mark and 0xffff");
  EXPECT_EQ(nft(restore_mark(0xff, 0xff)),
            "meta mark set meta mark and 0xffffff00 or ct mark and 0xff");
  EXPECT_EQ(nft(restore_mark(0xff, 0xffff)),
            "meta mark set meta mark and 0xffffff00 xor ct mark and 0xffff");
}

TEST(TranslateTest, LeavesOutMasksThatRemoveNothing) {
  EXPECT_EQ(nft(save_mark(kAllBits, 0)), "ct mark set ct mark xor meta mark");
  EXPECT_EQ(nft(restore_mark(0, kAllBits)), "meta mark set meta mark xor ct mark");
  EXPECT_EQ(nft(save_mark(0x1, 0)), "ct mark set ct mark xor meta mark and 0x1");
  EXPECT_EQ(nft(save_mark(kAllBits, 0x1)), "ct mark set ct mark and 0xfffffffe xor meta mark");
  EXPECT_EQ(nft(with_shift(save_mark(0x00ffffff, kAllBits), kLeft, 8)), "ct mark set mark << 8");
  EXPECT_EQ(nft(with_shift(restore_mark(kAllBits, 0xffffff00), kRight, 8)),
            "meta mark set ct mark >> 8");
  EXPECT_EQ(nft(with_shift(save_mark(0xffff, 0xffff0000), kLeft, 16)),
            "ct mark set ct mark and 0xffff or meta mark << 16");
}

TEST(TranslateTest, LeavesOutAMaskOfBitsThatTheOrSets) {
  EXPECT_EQ(nft(set_xmark(0xff, 0xf)), "ct mark set ct mark and 0xfffffff0 xor 0xff");
  EXPECT_EQ(nft(set_xmark(0xff, 0xff)), "ct mark set ct mark or 0xff");
  EXPECT_EQ(nft(with_shift(or_mark(0x1), kLeft, 4)), "ct mark set ct mark << 4 or 0x10");
}

TEST(TranslateTest, FoldsConstants) {
  EXPECT_EQ(nft(with_shift(set_mark(0x81), kLeft, 4)), "ct mark set 0x810");
  EXPECT_EQ(nft(with_shift(set_mark(0x81), kRight, 4)), "ct mark set 0x8");
  EXPECT_EQ(nft(with_shift(set_mark(0x81), kLeft, 31)), "ct mark set 0x80000000");
  EXPECT_EQ(nft(with_shift(set_mark(0x1), kRight, 1)), "ct mark set 0x0");
  EXPECT_EQ(nft(with_shift(and_mark(0xf), kRight, 4)), "ct mark set 0x0");
}

TEST(TranslateTest, ShiftsTheSourceAndItsMask) {
  EXPECT_EQ(nft(with_shift(xor_mark(0), kLeft, 4)), "ct mark set ct mark << 4");
  EXPECT_EQ(nft(with_shift(and_mark(0xff), kLeft, 4)), "ct mark set ct mark << 4 and 0xff0");
  EXPECT_EQ(nft(with_shift(xor_mark(0xff), kRight, 4)), "ct mark set ct mark >> 4 xor 0xf");
  EXPECT_EQ(nft(with_shift(set_mark(0x10, 0xf0), kRight, 4)),
            "ct mark set ct mark >> 4 and 0xffffff0 or 0x1");
  EXPECT_EQ(nft(with_shift(save_mark(), kLeft, 5)), "ct mark set mark << 5");
  EXPECT_EQ(nft(with_shift(restore_mark(), kRight, 31)), "meta mark set ct mark >> 31");
  EXPECT_EQ(nft(with_shift(save_mark(0xff, 0xff00), kLeft, 8)),
            "ct mark set ct mark and 0xffff00ff or meta mark << 8 and 0xff00");
  EXPECT_EQ(nft(with_shift(restore_mark(0xff, 0xff00), kRight, 8)),
            "meta mark set meta mark and 0xffffff00 or ct mark >> 8 and 0xff");
}

TEST(TranslateTest, CopiesNothingWhereTheShiftLosesEveryBit) {
  EXPECT_EQ(nft(with_shift(save_mark(0xff, 0xff), kRight, 8)),
            "ct mark set ct mark and 0xffffff00");
  EXPECT_EQ(nft(with_shift(restore_mark(0, 0xff), kRight, 8)), "meta mark set mark");
  EXPECT_EQ(nft(with_shift(restore_mark(0xff, 0xff), kRight, 8)),
            "ct state established,related,new meta mark set mark and 0xffffff00");
}

TEST(TranslateTest, HasOneTextForOneEffect) {
  EXPECT_EQ(nft({Mode::kSet, 0, 0, 0, {kRight, 0}}), "ct mark set ct mark and 0xffffffff");
  EXPECT_EQ(nft({Mode::kSave, 0x1, kAllBits, kAllBits, {kRight, 0}}), "ct mark set mark");
  EXPECT_EQ(nft({Mode::kRestore, 0x1, kAllBits, kAllBits, {kRight, 0}}), "meta mark set ct mark");
}

// ---- What is declined

TEST(TranslateTest, DeclinesAnUnknownMode) {
  for (unsigned mode = 3; mode < 256; ++mode) {
    EXPECT_EQ(nft({static_cast<Mode>(mode), 1, 2, 3, {}}), "") << mode;
  }
}

TEST(TranslateTest, DeclinesAShiftBeyondTheWidth) {
  for (const Operation &op : {set_mark(1), save_mark(), restore_mark()}) {
    for (unsigned n = 32; n < 256; ++n) {
      const auto bits = static_cast<std::uint8_t>(n);
      EXPECT_EQ(nft(with_shift(op, kLeft, bits)), "") << n;
      EXPECT_EQ(nft(with_shift(op, kRight, bits)), "") << n;
    }
    EXPECT_NE(nft(with_shift(op, kLeft, 31)), "");
    EXPECT_NE(nft(with_shift(op, kRight, 31)), "");
  }
}

// ---- The effect

// The 16 values in which each byte is 0 or 0xff: every combination of them in
// the two marks or masks that a mode reads, and every shift.
TEST(TranslateTest, IsExactForEveryCombinationOfWholeBytes) {
  const std::vector<Marks> before = telling_marks();
  const auto bytes = [](std::uint32_t nibble) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= (nibble >> i & 1) * (0xffU << 8 * i);
    return value;
  };
  for (int n = -31; n <= 31; ++n) {
    const Direction direction = n < 0 ? kRight : kLeft;
    const auto bits = static_cast<std::uint8_t>(n < 0 ? -n : n);
    for (std::uint32_t i = 0; i < 256; ++i) {
      const std::uint32_t first = bytes(i & 0xf);
      const std::uint32_t second = bytes(i >> 4);
      expect_exact(with_shift(set_xmark(first, second), direction, bits), before);
      expect_exact(with_shift(save_mark(first, second), direction, bits), before);
      expect_exact(with_shift(restore_mark(first, second), direction, bits), before);
      if (HasFailure()) return;
    }
  }
}

TEST(TranslateTest, IsExactForRandomOperations) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  std::vector<Marks> before = telling_marks();
  for (int i = 0; i < 32; ++i) before.push_back({random.mark(), random.mark()});
  for (int i = 0; i < 50000; ++i) {
    expect_exact(random.operation(), before);
    ASSERT_FALSE(HasFailure()) << "CONNMARK_SEED=" << seed;
  }
}

// Statements with two marks on the right need a recent nft and kernel.
TEST(TranslateTest, ReadsOnlyTheMarksThatTheResultDependsOn) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < 20000; ++i) {
    const Operation op = random.operation();
    const bool restore = op.mode == Mode::kRestore;
    const auto result = [&](Marks marks) {
      const Marks changed = apply(op, marks);
      return restore ? changed.nf : changed.ct;
    };
    bool needs_ct = false;
    bool needs_nf = false;
    for (unsigned place = 0; place < 32; ++place) {
      const std::uint32_t unit = std::uint32_t{1} << place;
      needs_ct = needs_ct || result({unit, 0}) != result({0, 0});
      needs_nf = needs_nf || result({0, unit}) != result({0, 0});
    }
    const std::string statement = nft(op);
    const std::string right = statement.substr(statement.find(" set ") + 5);
    const bool reads_ct = right.find("ct mark") != std::string::npos;
    const bool reads_nf = right.starts_with("mark") || right.find("meta mark") != std::string::npos;
    ASSERT_EQ(reads_ct, needs_ct) << statement << " CONNMARK_SEED=" << seed;
    ASSERT_EQ(reads_nf, needs_nf) << statement << " CONNMARK_SEED=" << seed;
  }
}

TEST(TranslateTest, LongestStatementFits) {
  EXPECT_LT(nft(with_shift(restore_mark(0x12345678, 0xfffff000), kRight, 12)).size(),
            TextBuffer::kCapacity);
}

}  // namespace
}  // namespace connmark::test
