// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rules of translate do to a packet of this kernel: as in
// tests/semantics, each case sets both marks, has the rules under test, and
// counts the packet if both marks are as predicted.
#include <gtest/gtest.h>

#include <iostream>

#include "command/connmark_command.h"
#include "command/nft/nft_rules.h"
#include "semantics/debian_root.h"
#include "semantics/nft_release.h"
#include "semantics/nft_translation.h"
#include "semantics/rule_chain.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRules = 250;
constexpr std::size_t kSettledRules = 4;

struct Case {
  MarkRule rule;
  Marks before;
};

std::vector<Case> cases_for(RandomRules &random) {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < kRules; ++i) {
    MarkRule rule{Target::kConnmark, random.operation()};
    if (i % 10 == 0) rule = {Target::kMark, set_xmark(random.mark(), random.mark())};
    cases.push_back({rule, {random.mark(), random.mark()}});
    if (i >= kSettledRules) continue;
    for (const Marks each : settling_marks()) cases.push_back({rule, each});
  }
  for (const Operation &op : empty_restores()) {
    cases.push_back({{Target::kConnmark, op}, {random.mark(), random.mark()}});
  }
  return cases;
}

// Without a connection MARK does what it always does, and CONNMARK nothing.
Marks expected(const Case &each, const RuleChain &chain) {
  if (each.rule.target == Target::kConnmark && !chain.has_connection()) return each.before;
  return apply(each.rule, each.before);
}

// The chain's rules go one by one into its loads, which are limited in number.
void expect_predicted_marks(NftChain &chain, const std::vector<Case> &cases, const Release &nft) {
  const Marks whole{chain.has_connection() ? kAllBits : 0, kAllBits};
  std::vector<std::string> rules;
  for (const Case &each : cases) {
    rules.push_back("meta mark set " + std::to_string(each.before.nf) + "\n");
    rules.push_back("ct mark set " + std::to_string(each.before.ct) + "\n");
    for (const std::string &body : nft_rules(each.rule, nft)) rules.push_back(body + "\n");
    rules.push_back(chain.count(expected(each, chain), whole));
  }
  chain.start();
  chain.append(rules);
  send_packet(chain.family(), chain.tracking());
  const std::vector<std::uint64_t> counts = chain.counts();
  ASSERT_EQ(counts.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(counts[i], 1U) << saved_form(cases[i].rule) << " for " << to_string(cases[i].before)
                             << (chain.has_connection() ? "" : ", without a connection");
  }
}

void expect_predicted_marks(const std::vector<std::string> &nft_command, const Release &nft) {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  const std::vector<Case> cases = cases_for(random);
  NftChain chain(Family::kIpv4, nft_command, {});
  for (const Tracking tracking : {Tracking::kTracked, Tracking::kUntracked, Tracking::kInvalid}) {
    chain.use(tracking);
    expect_predicted_marks(chain, cases, nft);
  }
}

std::string skip_reason(const NftRelease &nft) {
  if (!nft.skipped.empty()) return nft.skipped;
  return enter_private_network();
}

TEST(TranslatePacketTest, ManyRulesDoTheSameOnNftWithOneSource) {
  const NftRelease nft = find_nft(NftAge::kOneSource);
  ASSERT_EQ(nft.failed, "");
  if (const std::string why = skip_reason(nft); !why.empty()) GTEST_SKIP() << why;
  expect_predicted_marks(nft.command, {1, 0, 6});
}

TEST(TranslatePacketTest, OneStatementDoesTheSameOnNftWithTwoSources) {
  const NftRelease nft = find_nft(NftAge::kTwoSources);
  ASSERT_EQ(nft.failed, "");
  if (const std::string why = skip_reason(nft); !why.empty()) GTEST_SKIP() << why;
  if (!loads_two_sources(nft.command)) GTEST_SKIP() << "this kernel is older than Linux 6.13";
  expect_predicted_marks(nft.command, {1, 1, 3});
}

TEST(TranslatePacketTest, ManyRulesDoTheSameOnTheOldestNftWithShifts) {
  const DebianRoot root = make_debian_root("bullseye");  // nft 0.9.8
  ASSERT_EQ(root.failed, "");
  if (root.path.empty()) GTEST_SKIP() << root.skipped;
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  expect_predicted_marks(in_root(root, {"nft"}), {0, 9, 8});
}

// Written for an nft that cannot shift, and loaded by whichever is there.
TEST(TranslatePacketTest, ManyRulesDoTheSameWithoutShifts) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  expect_predicted_marks({"nft"}, {0, 9, 0});
}

// The first of several rules changes the mark that the match looks at.
TEST(TranslatePacketTest, AMatchOnTheWrittenMarkIsLookedAtOnce) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (!is_installed("iptables-restore-translate")) {
    GTEST_SKIP() << "iptables-restore-translate is not installed";
  }
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  const std::string translated =
      output_of({connmark_path(), "translate", "--nft-version", "1.0.6"},
                "*mangle\n-A OUTPUT -p udp -m connmark --mark 0x1/0x1 "
                "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff\nCOMMIT\n");
  output_of({"nft", "-f", "-"},
            "table ip mangle {\nchain OUTPUT {\ntype route hook output priority -150\n"
            "udp dport 9 meta mark set 0xa4\nudp dport 9 ct mark set 0x1001\n}\n}\n" +
                translated + "add rule ip mangle OUTPUT ct mark 0x10a4 meta mark 0xa4 counter\n");
  send_packet(Family::kIpv4);
  EXPECT_EQ(nft_counts(output_of({"nft", "list", "chain", "ip", "mangle", "OUTPUT"})),
            std::vector<std::uint64_t>{1})
      << translated;
}

}  // namespace
}  // namespace connmark::test
