// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/nft_rules.h"

#include <gtest/gtest.h>

#include <iostream>

#include "connmark/translate.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using Rules = std::vector<std::string>;

constexpr Release kBookworm{1, 0, 6};
constexpr Release kTrixie{1, 1, 3};
constexpr Release kBuster{0, 9, 0};

MarkRule rule(const Operation &op) { return {Target::kConnmark, op}; }

TEST(NftRulesTest, OneStatementWhereTheNftTakesIt) {
  EXPECT_EQ(nft_rules(rule(set_mark(1)), kBuster), Rules{"ct mark set 0x1"});
  EXPECT_EQ(nft_rules(rule(restore_mark()), kBuster), Rules{"meta mark set ct mark"});
  EXPECT_EQ(nft_rules(rule(restore_mark(0xff, 0xff)), kTrixie),
            Rules{"meta mark set meta mark and 0xffffff00 or ct mark and 0xff"});
  EXPECT_EQ(nft_rules(rule(with_shift(save_mark(), Direction::kLeft, 4)), kBookworm),
            Rules{"ct mark set mark << 4"});
}

TEST(NftRulesTest, OneRuleForEachBitWhereItDoesNot) {
  EXPECT_EQ(nft_rules(rule(restore_mark(3, 3)), kBookworm),
            (Rules{"ct state established,related,new meta mark set meta mark and 0xfffffffc",
                   "ct mark and 0x1 == 0x1 meta mark set meta mark or 0x1",
                   "ct mark and 0x2 == 0x2 meta mark set meta mark or 0x2"}));
}

TEST(NftRulesTest, ClearsNothingWithoutAConnection) {
  const std::string if_connection(kNftIfConnection);
  for (const Release &nft : {kBuster, kBookworm, kTrixie}) {
    EXPECT_EQ(nft_rules(rule(restore_mark(3, 0)), nft),
              Rules{if_connection + "meta mark set mark and 0xfffffffc"});
    EXPECT_EQ(nft_rules(rule(restore_mark(kAllBits, 0)), nft),
              Rules{if_connection + "meta mark set 0x0"});
    EXPECT_EQ(nft_rules({Target::kMark, and_mark(1)}, nft),
              Rules{"meta mark set meta mark and 0x1"});
  }
  EXPECT_EQ(nft_rules(rule(with_shift(restore_mark(), Direction::kRight, 31)), kBuster),
            (Rules{if_connection + "meta mark set 0x0",
                   "ct mark and 0x80000000 == 0x80000000 meta mark set meta mark or 0x1"}));
}

TEST(NftRulesTest, FlipsBitsThatAreKept) {
  EXPECT_EQ(nft_rules(rule(save_mark(3, 1)), kBookworm),
            (Rules{"ct mark set ct mark and 0xfffffffe",
                   "meta mark and 0x1 == 0x1 ct mark set ct mark or 0x1",
                   "meta mark and 0x2 == 0x2 ct mark set ct mark xor 0x2"}));
}

TEST(NftRulesTest, ShiftsEachBit) {
  EXPECT_EQ(nft_rules(rule(with_shift(save_mark(0x81, 0xff0), Direction::kLeft, 4)), kBookworm),
            (Rules{"ct mark set ct mark and 0xfffff00f",
                   "meta mark and 0x1 == 0x1 ct mark set ct mark or 0x10",
                   "meta mark and 0x80 == 0x80 ct mark set ct mark or 0x800"}));
}

TEST(NftRulesTest, MovesBitsInTheOrderInWhichTheyAreRead) {
  EXPECT_EQ(nft_rules(rule(with_shift(set_xmark(0x80000000, 0x3fffffff), Direction::kRight, 30)),
                      kBuster),
            (Rules{"ct mark and 0x40000000 == 0x40000000 ct mark set ct mark or 0x1",
                   "ct mark and 0x40000000 == 0x0 ct mark set ct mark and 0xfffffffe",
                   "ct mark and 0x80000000 == 0x0 ct mark set ct mark or 0x2",
                   "ct mark and 0x80000000 == 0x80000000 ct mark set ct mark and 0xfffffffd",
                   "ct mark set ct mark and 0x3"}));
}

TEST(NftRulesTest, TranslatesMark) {
  EXPECT_EQ(nft_rules({Target::kMark, set_xmark(0x16, 0x12)}, kBuster),
            Rules{"meta mark set meta mark and 0xffffffed xor 0x16"});
  EXPECT_EQ(nft_rules({Target::kMark, set_mark(7)}, kBuster), Rules{"meta mark set 0x7"});
}

TEST(NftRulesTest, NoRuleNeedsMoreThanItsNftHas) {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  for (int i = 0; i < 2000; ++i) {
    const MarkRule each = rule(random.operation());
    for (const Release &nft : {kBuster, kBookworm, kTrixie}) {
      for (const std::string &body : nft_rules(each, nft)) {
        const NftNeeds needs = needs_of(body);
        EXPECT_TRUE(!needs.nft || *needs.nft <= nft) << body;
      }
    }
    EXPECT_EQ(nft_rules(each, kTrixie), Rules{nft_statement(each)});
  }
}

TEST(NftVersionTest, ReadsReleases) {
  EXPECT_EQ(release_at_start("1.0.6"), (Release{1, 0, 6}));
  EXPECT_EQ(release_at_start("6.18.44-fc"), (Release{6, 18, 44}));
  EXPECT_EQ(release_at_start("6.1-rc1"), (Release{6, 1, 0}));
  EXPECT_EQ(release_at_start("1"), std::nullopt);
  EXPECT_EQ(release_at_start("v1.2"), std::nullopt);
  EXPECT_EQ(to_string(Release{6, 13, 0}), "6.13");
  EXPECT_LT((Release{1, 0, 9}), kNftWithTwoSources);
}

}  // namespace
}  // namespace connmark::test
