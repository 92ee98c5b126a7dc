// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft_statement.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "print_operation.h"

namespace connmark::test {
namespace {

constexpr std::uint32_t kCt = 0x12345678;
constexpr std::uint32_t kNf = 0x9abcdef0;

Marks run(std::string_view statement) { return run_nft(statement, {{kCt, kNf}}).front(); }

TEST(NftStatementTest, WritesTheMarkOnTheLeft) {
  EXPECT_EQ(run("ct mark set 0x1"), (Marks{0x1, kNf}));
  EXPECT_EQ(run("meta mark set 1"), (Marks{kCt, 0x1}));
}

TEST(NftStatementTest, ReadsTheMarksOnTheRight) {
  EXPECT_EQ(run("ct mark set mark"), (Marks{kNf, kNf}));
  EXPECT_EQ(run("ct mark set meta mark"), (Marks{kNf, kNf}));
  EXPECT_EQ(run("meta mark set ct mark"), (Marks{kCt, kCt}));
  EXPECT_EQ(run("ct mark set ct mark xor meta mark").ct, kCt ^ kNf);
}

TEST(NftStatementTest, RunsOnEachPair) {
  EXPECT_EQ(run_nft("ct mark set ct mark or mark", {{1, 2}, {4, 8}}),
            (std::vector<Marks>{{3, 2}, {12, 8}}));
}

TEST(NftStatementTest, BindsShiftsBeforeAndBeforeXorBeforeOr) {
  EXPECT_EQ(run("ct mark set ct mark and mark << 4").ct, kCt & (kNf << 4));
  EXPECT_EQ(run("ct mark set ct mark >> 4 and 0xff").ct, (kCt >> 4) & 0xff);
  EXPECT_EQ(run("ct mark set ct mark xor 0xff and 0xf0").ct, kCt ^ (0xff & 0xf0));
  EXPECT_EQ(run("ct mark set ct mark or mark xor 0xff").ct, kCt | (kNf ^ 0xff));
  EXPECT_EQ(run("ct mark set ct mark xor mark or 0xff").ct, (kCt ^ kNf) | 0xff);
  EXPECT_EQ(run("ct mark set ct mark or mark and 0xff").ct, kCt | (kNf & 0xff));
}

TEST(NftStatementTest, ReadsFromTheLeftWithinOneOperator) {
  EXPECT_EQ(run("ct mark set ct mark << 8 >> 4").ct, (kCt << 8) >> 4);
}

TEST(NftStatementTest, DoesNothingWithoutAConnectionWhereItAsksForOne) {
  const std::vector<Marks> before{{kCt, kNf}};
  const auto without = [&](std::string_view statement) {
    return run_nft(statement, before, false).front();
  };
  EXPECT_EQ(without("meta mark set mark and 0xff"), (Marks{kCt, kNf & 0xff}));
  EXPECT_EQ(without("meta mark set 0x1"), (Marks{kCt, 0x1}));
  for (const char *statement :
       {"ct mark set 0x1", "ct mark set mark", "meta mark set ct mark",
        "meta mark set ct mark and 0x0", "meta mark set meta mark and 0xff or ct mark and 0xff00",
        "ct state established,related,new meta mark set 0x1"}) {
    EXPECT_EQ(without(statement), before.front()) << statement;
    EXPECT_NE(run(statement), before.front()) << statement;
  }
}

TEST(NftStatementTest, RefusesWhatNftRefuses) {
  for (const char *statement : {"",
                                "ct",
                                "ct mark",
                                "ct mark set",
                                "ct mark set ",
                                "mark set 0x1",
                                "ip mark set 0x1",
                                "ct mark set 0x100000000",
                                "ct mark set 0x",
                                "ct mark set -1",
                                "ct mark set 0x1 << 4",
                                "ct mark set ct mark << 0",
                                "ct mark set ct mark << 32",
                                "ct mark set ct mark and",
                                "ct mark set ct mark and ",
                                "ct mark set ct mark 0x1",
                                "ct mark set ct",
                                "ct mark set meta",
                                "ct mark set ( ct mark )",
                                "ct mark set ct mark << mark",
                                "ct state new meta mark set 0x1",
                                "ct state established,related,new",
                                "ct state established,related,new mark set 0x1",
                                "ct mark  set 0x1",
                                "ct mark set 0x1 "}) {
    EXPECT_THROW(run(statement), std::invalid_argument) << "'" << statement << "'";
  }
}

}  // namespace
}  // namespace connmark::test
