// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules that rule_daemon, which is like ConnMan, makes with both plugins.
#include <gtest/gtest.h>

#include <algorithm>

#include "callers/both_plugins.h"
#include "differential/typed_options.h"

namespace connmark::test {
namespace {

struct Played {
  CommandResult result;
  std::vector<std::string> answers;
  std::vector<TableRule> rules4;
  std::vector<TableRule> rules6;
};

Played run_daemon(const std::vector<std::string> &rules, const Plugin &plugin) {
  std::string input;
  for (const std::string &rule : rules) input += rule + "\n";
  Played played;
  if (const std::string why = enter_private_network(); !why.empty()) {
    ADD_FAILURE() << why;
    return played;
  }
  played.result = run({CONNMARK_RULE_DAEMON}, input, {plugin.environment});
  played.answers = lines(played.result.out);
  played.rules4 = read_mangle_table(BackEnd::kLegacy, Family::kIpv4);
  played.rules6 = read_mangle_table(BackEnd::kLegacy, Family::kIpv6);
  return played;
}

// Each in both families, one behind the other.
std::vector<std::string> in_both_families(const std::vector<std::string> &options) {
  std::vector<std::string> rules;
  for (const std::string &each : options) {
    for (const char *const family : {"4", "6"}) {
      rules.push_back(std::string(family) + " -j CONNMARK " + each);
    }
  }
  return rules;
}

// Every order of these, which stand for a rule.
void add_orders(std::vector<std::string> options, std::vector<std::string> &all) {
  std::ranges::sort(options);
  do {
    std::string rule;
    for (const std::string &option : options) rule += (rule.empty() ? "" : " ") + option;
    all.push_back(rule);
  } while (std::ranges::next_permutation(options).found);
}

class RuleDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_not_comparable(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const CommandResult works =
        run({CONNMARK_RULE_DAEMON}, "4 -j CONNMARK --save-mark\n", {stock_plugin().environment});
    if (works.out != "done\n") GTEST_SKIP() << "no legacy tables here: " << works.out;
  }
};

TEST_F(RuleDaemonTest, RulesReachTheKernelAsWithIptablesPlugin) {
  std::vector<std::string> options;
  for (const char *const operation :
       {"--set-mark 0x1", "--set-xmark 0x12/0xff", "--and-mark 0xf0", "--or-mark 8",
        "--xor-mark 0x10", "--save-mark", "--restore-mark"}) {
    options.push_back(operation);
    for (const char *const shift : {"--left-shift-mark 8", "--right-shift-mark 0"}) {
      add_orders({operation, shift}, options);
      add_orders({operation, shift, "--nfmask 0xf", "--ctmask 0xff"}, options);
      add_orders({operation, shift, "--mask 0xff00"}, options);
    }
  }
  const auto rules = in_both_families(options);
  const Played stock = run_daemon(rules, stock_plugin());
  const Played ours = run_daemon(rules, our_plugin());
  ASSERT_EQ(stock.answers, std::vector<std::string>(rules.size(), "done"));
  ASSERT_EQ(ours.answers, stock.answers);
  ASSERT_EQ(stock.rules4.size(), options.size());
  ASSERT_EQ(stock.rules6.size(), options.size());

  BytesJudge judge;
  for (std::size_t i = 0; i < options.size(); ++i) {
    judge.look_at("IPv4: " + options[i], {stock.rules4[i]}, {ours.rules4[i]});
    judge.look_at("IPv6: " + options[i], {stock.rules6[i]}, {ours.rules6[i]});
  }
  EXPECT_GT(judge.times_seen("nfmask of a set"), 0);
  EXPECT_GT(judge.times_seen("direction of a zero shift"), 0);
}

TEST_F(RuleDaemonTest, ARefusedRuleLeavesNoTraceInTheNext) {
  std::vector<std::string> options;
  // What is refused stands alone, behind masks and behind another operation; the next rule is one
  // that would show it.
  for (const char *const bad :
       {"--set-mark x", "--set-xmark 1/", "--and-mark 0x100000000", "--mask", "--nfmask -1",
        "--save-mark --restore-mark", "--save-mark --save-mark", "--nfmask 1 --nfmask 2",
        "--left-shift-mark 33", "! --save-mark", "--ctmask 0xff", "", "--nfmask 3 --set-mark y"}) {
    options.push_back(bad);
    options.push_back(std::string("--nfmask 0xf --ctmask 0xf ") + bad);
    options.push_back("--save-mark");
    options.push_back(std::string("--left-shift-mark 3 ") + bad);
    options.push_back("--restore-mark --mask 0xff");
    options.push_back("--set-mark 1");
  }
  const auto rules = in_both_families(options);
  const Played stock = run_daemon(rules, stock_plugin());
  const Played ours = run_daemon(rules, our_plugin());
  ASSERT_EQ(stock.answers.size(), rules.size()) << stock.result.err;
  ASSERT_EQ(ours.answers.size(), rules.size())
      << "ended at: " << rules[std::min(ours.answers.size(), rules.size() - 1)];
  for (std::size_t i = 0; i < rules.size(); ++i) {
    // The status; ours says more.
    EXPECT_EQ(ours.answers[i].substr(0, 9), stock.answers[i].substr(0, 9))
        << rules[i] << "\n  stock: " << stock.answers[i] << "\n  ours:  " << ours.answers[i];
  }
  BytesJudge judge;
  judge.look_at("IPv4", stock.rules4, ours.rules4);
  judge.look_at("IPv6", stock.rules6, ours.rules6);
}

TEST_F(RuleDaemonTest, MessagesNameTheOptionAndQuoteTheValue) {
  const Played ours = run_daemon({"4 -j CONNMARK --set-mark elephant"}, our_plugin());
  ASSERT_EQ(ours.answers.size(), 1U);
  EXPECT_TRUE(ours.answers[0].starts_with("refused 2 CONNMARK: ")) << ours.answers[0];
  EXPECT_NE(ours.answers[0].find("--set-mark"), std::string::npos) << ours.answers[0];
  EXPECT_NE(ours.answers[0].find("\"elephant\""), std::string::npos) << ours.answers[0];
}

}  // namespace
}  // namespace connmark::test
