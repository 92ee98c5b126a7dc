// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/nft_statement.h"

#include <gtest/gtest.h>

namespace connmark::test {
namespace {

constexpr MarkPair kMarks{.ct = 0xf0, .nf = 0x3c};

MarkPair after(std::string_view text) {
  const auto statement = NftStatement::parse(text);
  EXPECT_TRUE(statement) << text;
  return statement ? statement->marks_after(kMarks) : MarkPair{};
}

TEST(NftStatementTest, WritesTheMarkOnTheLeft) {
  EXPECT_EQ(after("ct mark set mark"), (MarkPair{0x3c, 0x3c}));
  EXPECT_EQ(after("meta mark set ct mark"), (MarkPair{0xf0, 0xf0}));
  EXPECT_EQ(after("ct mark set 12"), (MarkPair{12, 0x3c}));
}

TEST(NftStatementTest, BindsAndTighterThanXorAndXorTighterThanOr) {
  EXPECT_EQ(after("ct mark set ct mark xor 0x11 and 0x10").ct, 0xe0u);
  EXPECT_EQ(after("ct mark set ct mark and 0x10 xor 0x11").ct, 0x01u);
  EXPECT_EQ(after("ct mark set 0x1 or ct mark xor 0xf1").ct, 0x01u);
  EXPECT_EQ(after("ct mark set ct mark | meta mark ^ 0xff & 0x0f").ct, 0xf3u);
}

TEST(NftStatementTest, BindsShiftsTightest) {
  EXPECT_EQ(after("ct mark set ct mark and meta mark << 2").ct, 0xf0u);
  EXPECT_EQ(after("ct mark set ct mark >> 4 and 0x3").ct, 0x3u);
  EXPECT_EQ(after("ct mark set ( ct mark and 0x30 ) >> 4").ct, 0x3u);
  EXPECT_EQ(after("ct mark set ct mark << 28 >> 28").ct, 0x0u);
}

TEST(NftStatementTest, DoesNothingWithoutAConnectionWhereItAsksForOne) {
  const auto packet = [](std::string_view text) {
    const auto statement = NftStatement::parse(text);
    EXPECT_TRUE(statement) << text;
    return statement ? statement->packet_mark_without_connection(0x3c) : 0;
  };
  EXPECT_EQ(packet("meta mark set mark and 0xf"), 0xcu);
  EXPECT_EQ(packet("meta mark set 0x1"), 0x1u);
  EXPECT_EQ(packet("meta mark set ct mark and 0x0"), 0x3cu);
  EXPECT_EQ(packet("meta mark set meta mark and 0xf xor ct mark"), 0x3cu);
  EXPECT_EQ(packet("ct state established,related,new meta mark set 0x1"), 0x3cu);
  EXPECT_EQ(packet("ct mark set 0x1"), 0x3cu);
}

TEST(NftStatementTest, RefusesWhatNftRefuses) {
  for (const char *const text :
       {"", "ct mark set", "ct mark set 0x1 and", "ct mark set ( mark", "ct mark set mark )",
        "mark set 1", "ct mark set 0x1 << 3", "ct mark set ( 0x1 ) << 3", "ct mark set mark << 0",
        "ct mark set mark << 32", "ct mark set mark << ct mark", "ct mark set 0x100000000",
        "ct mark set 1x", "ct state new meta mark set 1", "ct state established,related,new"}) {
    EXPECT_FALSE(NftStatement::parse(text)) << text;
  }
}

}  // namespace
}  // namespace connmark::test
