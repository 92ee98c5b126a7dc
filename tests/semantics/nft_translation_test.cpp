// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the nft statements that iptables-translate prints with the plugin do to
// marks in this kernel.  Those with both marks on the right side take nft 1.1.2:
// where this machine has an older one, that of Debian 13 is run.
#include "semantics/nft_translation.h"

#include <gtest/gtest.h>

#include <iostream>

#include "semantics/nft_release.h"
#include "semantics/rule_chain.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRules = 2000;
constexpr std::size_t kSettledRules = 200;

class NftTranslationTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    nft_ = find_nft(NftAge::kTwoSources);
    if (const std::string why = enter_network_for({GetParam(), "nft"}); !why.empty()) {
      GTEST_SKIP() << why;
    }
    std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
    ops_ = random_operations(random_, kRules);
    for (const Operation &op : empty_restores()) ops_.push_back(op);
  }

  void expect_exact(const std::vector<std::string> &nft, bool two_sources) {
    const auto statements = translations(GetParam(), ops_);
    std::vector<Operation> ops;
    for (const Operation &op : ops_) {
      if (has_two_sources(statements.at(options_for(op))) == two_sources) ops.push_back(op);
    }
    ASSERT_GE(ops.size(), kSettledRules);
    NftChain chain(GetParam(), nft, statements);
    EXPECT_TRUE(all_predictions_hold(chain, mark_cases(random_, ops, kSettledRules)));
    for (const Tracking tracking : {Tracking::kUntracked, Tracking::kInvalid}) {
      chain.use(tracking);
      EXPECT_TRUE(all_predictions_hold(chain, without_connection(mark_cases(random_, ops, 0))));
    }
  }

  NftRelease nft_;
  RandomRules random_{random_seed()};
  std::vector<Operation> ops_;
};

TEST_P(NftTranslationTest, IsExactWithOneMarkOnTheRightSide) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  expect_exact({"nft"}, false);
}

TEST_P(NftTranslationTest, IsExactWithBothMarksOnTheRightSide) {
  if (!nft_.skipped.empty()) GTEST_SKIP() << nft_.skipped;
  ASSERT_EQ(nft_.failed, "");
  if (!loads_two_sources(nft_.command)) {
    GTEST_SKIP() << "this kernel takes no statement with two marks on the right side";
  }
  expect_exact(nft_.command, true);
}

TEST_P(NftTranslationTest, AWrongBitInThePredictionIsNoticed) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const MarkCase right = predicted(and_mark(0xff0ff), {0x12345678, 0x9abcdef0});
  auto cases = wrong_predictions(right);
  cases.push_back(right);
  auto expected = std::vector<std::uint64_t>(cases.size() - 1, 0);
  expected.push_back(1);
  NftChain chain(GetParam(), {"nft"}, translations(GetParam(), {right.op}));
  EXPECT_EQ(decide(chain, cases), expected);
}

// What a restore that copies nothing was written as before it asked for a
// connection.
TEST_P(NftTranslationTest, AWriteWithoutAConnectionIsNoticed) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const MarkCase tracked = predicted(restore_mark(0x3, 0), {0x12345678, 0x9abcdef3});
  const std::map<std::string, std::string> statements{
      {options_for(tracked.op), "meta mark set mark and 0xfffffffc"}};
  NftChain chain(GetParam(), {"nft"}, statements);
  EXPECT_TRUE(all_predictions_hold(chain, {tracked}));
  for (const Tracking tracking : {Tracking::kUntracked, Tracking::kInvalid}) {
    chain.use(tracking);
    const std::string report = all_predictions_hold(chain, without_connection({tracked})).message();
    EXPECT_NE(report.find("found:    ct 0x12345678 nf 0x9abcdef0"), report.npos) << report;
  }
}

TEST_P(NftTranslationTest, AMismatchIsReportedWithTheMarksThatWereFound) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  MarkCase wrong = predicted(set_mark(0x12), {0x34, 0x56});
  wrong.after = {0x13, 0x56};
  NftChain chain(GetParam(), {"nft"}, translations(GetParam(), {wrong.op}));
  const std::string report = all_predictions_hold(chain, {wrong}).message();
  EXPECT_NE(report.find("found:    ct 0x00000012 nf 0x00000056"), report.npos) << report;
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, NftTranslationTest, testing::ValuesIn(kFamilies),
                         name_of_family);

}  // namespace
}  // namespace connmark::test
