// SPDX-License-Identifier: GPL-2.0-or-later
//
// What rules made with the plugin do to marks in this kernel.
#include <gtest/gtest.h>

#include <iostream>

#include "semantics/rule_chain.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRules = 2000;
constexpr std::size_t kSettledRules = 200;

class XtRulesTest : public testing::TestWithParam<FrontEnd> {
 protected:
  void SetUp() override {
    if (const std::string why = enter_network_for(GetParam()); !why.empty()) GTEST_SKIP() << why;
    std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  }

  XtChain chain_{GetParam()};
  RandomRules random_{random_seed()};
};

TEST_P(XtRulesTest, ChangeMarksAsPredicted) {
  const auto ops = random_operations(random_, kRules);
  const auto cases = mark_cases(random_, ops, kSettledRules);
  ASSERT_GE(cases.size(), kRules + kSettledRules * 65);
  EXPECT_TRUE(all_predictions_hold(chain_, cases));
}

TEST_P(XtRulesTest, DoNothingToPacketsWithoutAConnection) {
  auto ops = random_operations(random_, kRules);
  for (const Operation &op : empty_restores()) ops.push_back(op);
  for (const Tracking tracking : {Tracking::kUntracked, Tracking::kInvalid}) {
    chain_.use(tracking);
    EXPECT_TRUE(all_predictions_hold(chain_, without_connection(mark_cases(random_, ops, 0))));
  }
}

TEST_P(XtRulesTest, AWrongBitInThePredictionIsNoticed) {
  const MarkCase right = predicted(restore_mark(0xff0, 0xff0ff), {0x12345678, 0x9abcdef0});
  auto cases = wrong_predictions(right);
  cases.push_back(right);
  auto expected = std::vector<std::uint64_t>(cases.size() - 1, 0);
  expected.push_back(1);
  EXPECT_EQ(decide(chain_, cases), expected);
}

TEST_P(XtRulesTest, AMismatchIsReportedWithTheMarksThatWereFound) {
  MarkCase wrong = predicted(set_mark(0x12), {0x34, 0x56});
  wrong.after = {0x13, 0x56};
  const std::string report = all_predictions_hold(chain_, {wrong}).message();
  EXPECT_NE(report.find("found:    ct 0x00000012 nf 0x00000056"), report.npos) << report;
}

INSTANTIATE_TEST_SUITE_P(AllFrontEnds, XtRulesTest, testing::ValuesIn(kFrontEnds),
                         name_of_front_end);

// The prediction itself: two ways to compute it, which share no code.
TEST(PredictionTest, TwoWaysToComputeItAgree) {
  RandomRules random(random_seed());
  const auto ops = random_operations(random, kRules);
  for (const MarkCase &each : mark_cases(random, ops, kRules)) {
    ASSERT_EQ(each.after, kernel_effect(each.op, each.before))
        << options_for(each.op) << ", before: " << to_string(each.before);
  }
}

}  // namespace
}  // namespace connmark::test
