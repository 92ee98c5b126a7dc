// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel's rules in private networks, made by iptables, nft and ip, and read
// back by the audit.
#include "command/read_kernel/live_ruleset.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/netfilter/nf_tables.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command/read_kernel/nft_rule.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/read_kernel/xt_text.h"
#include "command/refusal.h"
#include "command/rule_set/rule_marks.h"
#include "semantics/mark_cases.h"
#include "semantics/nft_release.h"
#include "semantics/nft_translation.h"
#include "support/command.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRandomRules = 2000;

const MarkExpression kConnectionMark = MarkExpression::of(Mark::kConnection);
const MarkExpression kPacketMark = MarkExpression::of(Mark::kPacket);

MarkExpression bits(std::uint32_t value) { return MarkExpression::constant(value); }

bool uses_connection(const MarkExpression &value) {
  for (int i = 0; i < 32; ++i) {
    if (value.bit(i).connection >= 0) return true;
  }
  return false;
}

std::string content_of(const std::string &path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LiveRulesetTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  }

  static void command(const std::string &line, std::string_view input = {}) {
    const CommandResult result = run(words(line), input);
    ASSERT_EQ(result.status, 0) << line << '\n' << result.err;
  }

  // Loads the lines of iptables-save's *TABLE ... COMMIT.
  static void restore(const std::string &program, const std::string &text) {
    command(program + "-restore", text);
  }

  // The lines that begin with -A, by chain and position.
  using SavedLines = std::map<std::pair<std::string, std::uint64_t>, std::string>;
  static SavedLines saved_lines(const std::string &program, const std::string &table) {
    SavedLines saved;
    std::map<std::string, std::uint64_t> positions;
    for (const std::string &line : lines(run({program + "-save", "-t", table}).out)) {
      if (!line.starts_with("-A ")) continue;
      const std::string chain = words(line)[1];
      saved[{chain, ++positions[chain]}] = line;
    }
    return saved;
  }

  // Each rule with a text is saved so, and `count` of them are there.
  static void expect_saved_texts(const Ruleset &ruleset, connmark::Family family,
                                 const std::string &program, const std::string &table,
                                 std::size_t count) {
    const SavedLines saved = saved_lines(program, table);
    std::size_t found = 0;
    for (const Rule &rule : ruleset.rules) {
      const Chain &chain = ruleset.chains[rule.chain];
      if (chain.family != family || chain.table != table || rule.text.empty()) continue;
      ++found;
      const auto line = saved.find({chain.name, rule.number});
      ASSERT_NE(line, saved.end()) << rule.text;
      EXPECT_EQ(rule.text, line->second);
    }
    EXPECT_EQ(found, count);
  }

  static void load_nft(const std::string &text, const std::vector<std::string> &nft = {"nft"}) {
    std::vector<std::string> argv = nft;
    argv.insert(argv.end(), {"-f", "-"});
    const CommandResult result = run(argv, text);
    ASSERT_EQ(result.status, 0) << result.err << text;
  }

  // The only rule that `statement` makes in the table "t" of nft.
  static Rule native_rule(const std::string &statement) {
    run({"nft", "delete", "table", "inet", "t"});
    load_nft(
        "table inet t {\nset s { type mark; elements = { 1, 5 } }\n"
        "set d { type mark; flags dynamic; }\nchain other { }\n"
        "chain c {\ntype filter hook output priority 0\n" +
        statement + "\n}\n}\n");
    const Ruleset ruleset = read_running_kernel();
    EXPECT_EQ(ruleset.rules.size(), 1U) << statement;
    return ruleset.rules.empty() ? Rule{} : ruleset.rules.front();
  }
};

const Chain &chain_of(const Ruleset &ruleset, const Rule &rule) {
  return ruleset.chains[rule.chain];
}

const Chain *find_chain(const Ruleset &ruleset, connmark::Family family, std::string_view table,
                        std::string_view name) {
  for (const Chain &chain : ruleset.chains) {
    if (chain.family == family && chain.table == table && chain.name == name) return &chain;
  }
  return nullptr;
}

// Those with tables of rules in them.
std::vector<const Input *> table_inputs(const Ruleset &ruleset) {
  std::vector<const Input *> inputs;
  for (const Input &input : ruleset.inputs) {
    const bool is_other = input.is_sysctls || input.name == "kernel: ip rules";
    if (input.rules != 0 && !is_other) inputs.push_back(&input);
  }
  return inputs;
}

// Those that were not there when the network was made.
std::vector<PolicyRule> added_policy_rules(const Ruleset &ruleset) {
  std::vector<PolicyRule> rules;
  for (const PolicyRule &rule : ruleset.policy_rules) {
    if (rule.priority != 0 && rule.priority < 32766) rules.push_back(rule);
  }
  return rules;
}

void expect_test(const Rule &rule, const MarkTest &expected) {
  ASSERT_EQ(rule.tests.size(), 1U) << rule.text;
  const MarkTest &test = rule.tests.front();
  EXPECT_EQ(test.mark, expected.mark) << rule.text;
  EXPECT_EQ(test.mask, expected.mask) << rule.text;
  EXPECT_EQ(test.value_known, expected.value_known) << rule.text;
  if (!expected.value_known) return;
  EXPECT_EQ(test.value, expected.value) << rule.text;
  EXPECT_EQ(test.inverted, expected.inverted) << rule.text;
}

void expect_write(const Rule &rule, Mark mark, const MarkExpression &value) {
  ASSERT_EQ(rule.writes.size(), 1U) << rule.text;
  EXPECT_EQ(rule.writes.front().mark, mark) << rule.text;
  EXPECT_TRUE(rule.writes.front().value == value) << rule.text;
}

// -- iptables-legacy ----------------------------------------------------------

constexpr const char *kMangleRules = R"(*mangle
:office - [0:0]
-A PREROUTING -p udp -j ACCEPT
-A PREROUTING -m mark --mark 0x1/0xff -j CONNMARK --save-mark --mask 0xff --left-shift-mark 8
-A PREROUTING ! -i lo ! -p tcp -m connmark ! --mark 7 -m comment --comment "it's \"here\"" -j MARK --or-mark 4
-A PREROUTING -p tcp -m multiport --dports 80,90 -m mark --mark 0x200/0xff -j RETURN
-A OUTPUT -o eth+ -p udp -m udp --sport 5:9 --dport 53 -m conntrack --ctstate NEW -j CONNMARK --set-mark 2/0xff
-A OUTPUT -m mark --mark 3 -j office
-A OUTPUT -g office
-A OUTPUT -p tcp -m tcp --sport 5 ! --dport 7:9 -m mark --mark 3/7 -j ACCEPT
-A OUTPUT -m connmark --mark 3 -g office
-A office -j CONNMARK --restore-mark
COMMIT
)";
constexpr std::size_t kMangleTexts = 8;

TEST_F(LiveRulesetTest, ReadsLegacyTables) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  restore("iptables-legacy", kMangleRules);
  const Ruleset ruleset = read_running_kernel();
  const auto inputs = table_inputs(ruleset);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0]->name, "kernel: legacy ip tables");
  EXPECT_EQ(inputs[0]->rules, 10U);
  EXPECT_FALSE(inputs[0]->is_nft);
  ASSERT_EQ(ruleset.rules.size(), 10U);

  // Without marks, but with an end.
  EXPECT_EQ(ruleset.rules[0].text, "");
  EXPECT_EQ(ruleset.rules[0].outcome.verdict, Verdict::kAccept);
  const Rule &save = ruleset.rules[1];
  EXPECT_EQ(chain_of(ruleset, save).name, "PREROUTING");
  EXPECT_EQ(chain_of(ruleset, save).table, "mangle");
  EXPECT_EQ(save.number, 2U);
  EXPECT_EQ(save.line, 0U);
  EXPECT_FALSE(save.has_other_matches());
  EXPECT_FALSE(save.ends_chain());
  expect_test(save, {.mark = Mark::kPacket, .value = 1, .mask = 0xff});
  expect_write(save, Mark::kConnection,
               (kConnectionMark & bits(~0xffU)) ^ ((kPacketMark & bits(0xff)) << 8));
  ASSERT_TRUE(save.mark_rule);
  EXPECT_EQ(save.mark_rule->op, with_shift(save_mark(0xff, 0xff), Direction::kLeft, 8));

  const Rule &mark = ruleset.rules[2];
  EXPECT_EQ(mark.number, 3U);
  EXPECT_EQ(mark.comment, "it's \"here\"");
  EXPECT_TRUE(mark.has_other_matches());
  expect_test(mark, {.mark = Mark::kConnection, .value = 7, .mask = kAllBits, .inverted = true});
  expect_write(mark, Mark::kPacket, kPacketMark | bits(4));

  const Rule &never = ruleset.rules[3];
  EXPECT_EQ(never.outcome.verdict, Verdict::kReturn);
  EXPECT_TRUE(never.writes.empty());
  expect_test(never, {.mark = Mark::kPacket, .value = 0x200, .mask = 0xff});

  expect_write(ruleset.rules[4], Mark::kConnection, (kConnectionMark & bits(~0xffU)) ^ bits(2));
  const Rule &jump = ruleset.rules[5];
  ASSERT_NE(jump.outcome.chain, kNoChain);
  EXPECT_EQ(ruleset.chains[jump.outcome.chain].name, "office");
  EXPECT_FALSE(jump.is_goto());
  const Rule &going = ruleset.rules[6];
  EXPECT_EQ(going.outcome.chain, jump.outcome.chain);
  EXPECT_TRUE(going.is_goto());
  EXPECT_EQ(going.text, "");
  EXPECT_EQ(ruleset.rules[9].chain, jump.outcome.chain);
  expect_write(ruleset.rules[9], Mark::kPacket, kConnectionMark);
}

TEST_F(LiveRulesetTest, KnowsWhereLegacyChainsHookIn) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  for (const char *const table : {"raw", "mangle", "nat", "filter"}) {
    command("iptables-legacy -t " + std::string(table) + " -N user");
  }
  const Ruleset ruleset = read_running_kernel();
  const auto expect = [&](const char *table, const char *name, Hook hook, int priority,
                          bool reroutes = false) {
    const Chain *const chain = find_chain(ruleset, connmark::Family::kIpv4, table, name);
    ASSERT_NE(chain, nullptr) << table << ' ' << name;
    EXPECT_EQ(chain->hook, hook) << table << ' ' << name;
    EXPECT_EQ(chain->priority, priority) << table << ' ' << name;
    EXPECT_EQ(chain->reroutes, reroutes) << table << ' ' << name;
  };
  expect("raw", "PREROUTING", Hook::kPrerouting, -300);
  expect("mangle", "PREROUTING", Hook::kPrerouting, -150);
  expect("mangle", "OUTPUT", Hook::kOutput, -150, true);
  expect("nat", "PREROUTING", Hook::kPrerouting, -100);
  expect("nat", "POSTROUTING", Hook::kPostrouting, 100);
  expect("filter", "FORWARD", Hook::kForward, 0);
  const Chain *const user = find_chain(ruleset, connmark::Family::kIpv4, "raw", "user");
  ASSERT_NE(user, nullptr);
  EXPECT_FALSE(user->hook);
}

TEST_F(LiveRulesetTest, WritesLegacyRulesAsIptablesSaveDoes) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  restore("iptables-legacy", kMangleRules);
  restore("ip6tables-legacy", kMangleRules);
  command(
      "iptables-legacy -A INPUT -s 10.0.0.0/255.0.255.0 ! -d 1.2.3.4 -f -m mark --mark 1 -j DROP");
  command("iptables-legacy -A INPUT -p 99 -m mark --mark 1/1 -j REJECT");
  command("iptables-legacy -A INPUT -m connmark --mark 1/1");
  command("ip6tables-legacy -A INPUT -s fe80::/10 -p icmpv6 -m mark ! --mark 1 -j REJECT");
  const Ruleset ruleset = read_running_kernel();
  using connmark::Family;
  expect_saved_texts(ruleset, Family::kIpv4, "iptables-legacy", "mangle", kMangleTexts);
  expect_saved_texts(ruleset, Family::kIpv6, "ip6tables-legacy", "mangle", kMangleTexts);
  expect_saved_texts(ruleset, Family::kIpv4, "iptables-legacy", "filter", 3);
  expect_saved_texts(ruleset, Family::kIpv6, "ip6tables-legacy", "filter", 1);
}

TEST_F(LiveRulesetTest, KnowsTheOtherUsersOfMarks) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  restore("iptables-legacy",
          "*mangle\n"
          "-A PREROUTING -p tcp -j TPROXY --on-port 80 --tproxy-mark 1/3\n"
          "-A PREROUTING -p tcp -m socket --restore-skmark -j CONNMARK --save-mark --mask 0xf\n"
          "-A PREROUTING -p tcp -j TPROXY --on-port 80\n"
          "COMMIT\n");
  const Ruleset ruleset = read_running_kernel();
  ASSERT_EQ(ruleset.rules.size(), 3U);
  EXPECT_TRUE(ruleset.rules[0].ends_chain());
  EXPECT_FALSE(ruleset.rules[2].touches_marks());
  EXPECT_TRUE(ruleset.rules[2].ends_chain());
  expect_write(ruleset.rules[0], Mark::kPacket, (kPacketMark & bits(~3U)) ^ bits(1));

  // What the socket's mark was nobody knows, and so what is saved.
  const Rule &socket = ruleset.rules[1];
  EXPECT_EQ(socket.unknown, std::vector<std::string>{"-m socket --restore-skmark"});
  ASSERT_EQ(socket.writes.size(), 2U);
  EXPECT_EQ(socket.writes[0].mark, Mark::kPacket);
  EXPECT_EQ(socket.writes[0].value.unknown_bits(), kAllBits);
  EXPECT_EQ(socket.writes[1].mark, Mark::kConnection);
  EXPECT_EQ(socket.writes[1].value.unknown_bits(), 0xfU);
}

TEST_F(LiveRulesetTest, MakesNoLegacyTable) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  const std::string before =
      content_of("/proc/net/ip_tables_names") + content_of("/proc/net/ip6_tables_names");
  EXPECT_EQ(before, "");
  read_running_kernel();
  EXPECT_EQ(content_of("/proc/net/ip_tables_names"), "");
  EXPECT_EQ(content_of("/proc/net/ip6_tables_names"), "");
  command("iptables-legacy -t raw -N user");
  read_running_kernel();
  EXPECT_EQ(content_of("/proc/net/ip_tables_names"), "raw\n");
  EXPECT_EQ(content_of("/proc/net/ip6_tables_names"), "");
}

TEST_F(LiveRulesetTest, ReadsAKernelWithoutRules) {
  const Ruleset ruleset = read_running_kernel();
  EXPECT_TRUE(ruleset.rules.empty());
  EXPECT_TRUE(ruleset.chains.empty());
  EXPECT_TRUE(added_policy_rules(ruleset).empty());
  EXPECT_TRUE(ruleset.has_policy_rules);
  EXPECT_TRUE(table_inputs(ruleset).empty());
  for (const Omission &each : ruleset.not_looked_at) EXPECT_EQ(each.gap, Gap::kAbsent) << each.name;
}

// -- iptables-nft -------------------------------------------------------------

TEST_F(LiveRulesetTest, ReadsRulesOfIptablesNftAsThoseOfIptables) {
  if (!is_installed("iptables-nft")) GTEST_SKIP() << "iptables-nft is not installed";
  restore("iptables-nft", kMangleRules);
  command("ip6tables-nft -A INPUT -s fe80::/10 -p icmpv6 -m connmark ! --mark 1 -j DROP");
  const Ruleset ruleset = read_running_kernel();
  const auto inputs = table_inputs(ruleset);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0]->name, "kernel: iptables-nft");
  EXPECT_EQ(inputs[0]->rules, 11U);
  EXPECT_FALSE(inputs[0]->is_nft);
  ASSERT_EQ(ruleset.rules.size(), 11U);
  expect_saved_texts(ruleset, connmark::Family::kIpv4, "iptables-nft", "mangle", kMangleTexts);
  expect_saved_texts(ruleset, connmark::Family::kIpv6, "ip6tables-nft", "filter", 1);

  std::map<std::string, const Rule *> rules;
  for (const Rule &rule : ruleset.rules) {
    rules[chain_of(ruleset, rule).name + " " + std::to_string(rule.number)] = &rule;
  }
  const Rule &save = *rules.at("PREROUTING 2");
  EXPECT_FALSE(save.has_other_matches());
  expect_test(save, {.mark = Mark::kPacket, .value = 1, .mask = 0xff});
  ASSERT_TRUE(save.mark_rule);
  EXPECT_EQ(save.mark_rule->op, with_shift(save_mark(0xff, 0xff), Direction::kLeft, 8));
  EXPECT_EQ(rules.at("PREROUTING 3")->comment, "it's \"here\"");
  EXPECT_TRUE(rules.at("PREROUTING 4")->ends_chain());
  expect_test(*rules.at("PREROUTING 4"), {.mark = Mark::kPacket, .value = 0x200, .mask = 0xff});
  EXPECT_EQ(ruleset.chains[rules.at("OUTPUT 2")->outcome.chain].name, "office");
  EXPECT_FALSE(rules.at("OUTPUT 2")->is_goto());
  EXPECT_TRUE(rules.at("OUTPUT 3")->is_goto());
  const Chain *const output = find_chain(ruleset, connmark::Family::kIpv4, "mangle", "OUTPUT");
  ASSERT_NE(output, nullptr);
  EXPECT_TRUE(output->reroutes);
  EXPECT_EQ(output->priority, kManglePriority);
}

// -- nft ----------------------------------------------------------------------

TEST_F(LiveRulesetTest, FoldsTestsOfNft) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const MarkTest packet{.mark = Mark::kPacket, .mask = kAllBits};
  const auto with = [](MarkTest test, std::uint32_t value, std::uint32_t mask,
                       bool inverted = false) {
    test.value = value;
    test.mask = mask;
    test.inverted = inverted;
    return test;
  };
  const auto many = [](MarkTest test, std::uint32_t mask) {
    test.mask = mask;
    test.value_known = false;
    return test;
  };
  const MarkTest connection{.mark = Mark::kConnection, .mask = kAllBits};
  const struct {
    const char *statement;
    const char *text;
    MarkTest test;
  } cases[] = {
      {"meta mark 1 accept", "meta mark 0x1 accept", with(packet, 1, kAllBits)},
      {"ct mark != 0xff drop", "ct mark != 0xff drop", with(connection, 0xff, kAllBits, true)},
      {"meta mark and 0xff == 0x1 return", "meta mark & 0xff == 0x1 return", with(packet, 1, 0xff)},
      {"ct mark and 0xff00 != 0x100 accept", "ct mark & 0xff00 != 0x100 accept",
       with(connection, 0x100, 0xff00, true)},
      {"meta mark and 0xff == 0x100 accept", "meta mark & 0xff == 0x100 accept",
       with(packet, 0x100, 0xff)},
      {"meta mark xor 0xf == 0x3 accept", "", with(packet, 0xc, kAllBits)},
      {"ct mark 5-9 accept", "ct mark 0x5-0x9 accept", many(connection, kAllBits)},
      {"ct mark != 5-9 accept", "ct mark != 0x5-0x9 accept", many(connection, kAllBits)},
      {"meta mark > 0x10 accept", "meta mark > 0x10 accept", many(packet, kAllBits)},
      {"meta mark { 1, 2, 7-9 } accept", "meta mark { ... } accept", many(packet, kAllBits)},
      {"meta mark and 0xf != @s accept", "meta mark & 0xf != @s accept", many(packet, 0xf)},
      {"meta mark . ip saddr { 1 . 1.2.3.4 } accept", "", many(packet, kAllBits)},
  };
  for (const auto &each : cases) {
    const Rule rule = native_rule(each.statement);
    if (*each.text != '\0') {
      EXPECT_EQ(rule.text, each.text);
    }
    expect_test(rule, each.test);
    EXPECT_TRUE(rule.writes.empty()) << each.statement;
    EXPECT_TRUE(rule.unknown.empty()) << each.statement;
    EXPECT_TRUE(rule.ends_chain()) << each.statement;
  }
}

TEST_F(LiveRulesetTest, FoldsWritesOfNft) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const struct {
    const char *statement;
    const char *text;
    Mark mark;
    MarkExpression value;
  } cases[] = {
      {"meta mark set 0x80", "meta mark set 0x80", Mark::kPacket, bits(0x80)},
      {"ct mark set meta mark", "ct mark set meta mark", Mark::kConnection, kPacketMark},
      {"meta mark set ct mark and 0xff", "meta mark set ct mark & 0xff", Mark::kPacket,
       kConnectionMark & bits(0xff)},
      {"ct mark set ct mark or 0x10", "ct mark set ct mark | 0x10", Mark::kConnection,
       kConnectionMark | bits(0x10)},
      {"ct mark set ct mark xor 0x10", "ct mark set ct mark ^ 0x10", Mark::kConnection,
       kConnectionMark ^ bits(0x10)},
      {"meta mark set meta mark and 0xffffffed xor 0x16",
       "meta mark set meta mark & 0xffffffed ^ 0x16", Mark::kPacket,
       (kPacketMark & bits(0xffffffed)) ^ bits(0x16)},
      {"meta mark set ct mark << 8 and 0xff00", "meta mark set ct mark << 8 & 0xff00",
       Mark::kPacket, (kConnectionMark & bits(0xff)) << 8},
      {"meta mark set ct mark >> 31", "meta mark set ct mark >> 31", Mark::kPacket,
       kConnectionMark >> 31},
  };
  for (const auto &each : cases) {
    const Rule rule = native_rule(each.statement);
    EXPECT_EQ(rule.text, each.text);
    expect_write(rule, each.mark, each.value);
    EXPECT_TRUE(rule.tests.empty()) << each.statement;
    EXPECT_TRUE(rule.unknown.empty()) << each.statement;
    // Without a connection nft stops where its mark is loaded.
    const bool loads_connection = uses_connection(each.value);
    ASSERT_EQ(rule.matches.size(), loads_connection ? 1U : 0U) << each.statement;
    if (loads_connection) {
      EXPECT_EQ(rule.matches[0].attribute, Attribute::kHasConnection);
      EXPECT_EQ(rule.writes[0].matches_before, 1U) << each.statement;
    }
    EXPECT_FALSE(rule.mark_rule) << each.statement;
  }
}

TEST_F(LiveRulesetTest, SaysWhatCannotBeFolded) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const struct {
    const char *statement;
    const char *words;
  } cases[] = {
      {"meta mark set ip saddr map { 1.2.3.4 : 7 }", "meta mark set ... map { ... }"},
      {"ct mark set meta mark map { 1 : 7 }", "ct mark set meta mark map { ... }"},
      {"meta mark set numgen inc mod 4", "meta mark set ..."},
      {"ct mark set jhash meta mark mod 4", "ct mark set jhash meta mark"},
      {"meta mark set socket mark", "meta mark set socket mark"},
  };
  for (const auto &each : cases) {
    if (run({"nft", "--check", "-f", "-"}, std::string("table inet t {\nset d { type mark; flags "
                                                       "dynamic; }\nchain c {\n") +
                                               each.statement + "\n}\n}\n")
            .status != 0) {
      continue;  // not in this nft
    }
    const Rule rule = native_rule(each.statement);
    ASSERT_EQ(rule.unknown.size(), 1U) << each.statement;
    EXPECT_EQ(rule.unknown[0], each.words);
    ASSERT_EQ(rule.writes.size(), 1U) << each.statement;
    EXPECT_NE(rule.writes[0].value.unknown_bits(), 0U) << each.statement;
  }
}

TEST_F(LiveRulesetTest, SeesWhatEarlierPartsOfTheRuleHaveWritten) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  const Rule rule = native_rule(
      "meta mark set ct mark and 0xf0 meta mark and 0xff == 0x10 "
      "ct mark set meta mark or 1");
  ASSERT_EQ(rule.writes.size(), 2U);
  EXPECT_TRUE(rule.writes[0].value == (kConnectionMark & bits(0xf0)));
  EXPECT_TRUE(rule.writes[1].value == ((kConnectionMark & bits(0xf0)) | bits(1)));
  expect_test(rule, {.mark = Mark::kConnection, .value = 0x10, .mask = 0xf0});
}

TEST_F(LiveRulesetTest, TellsTablesOfNftFromThoseOfIptables) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  load_nft(
      "table ip mangle {\nchain OUTPUT {\ntype route hook output priority -150\n"
      "tcp dport 22 counter\nip saddr 10.0.0.0/8 tcp dport 22 ct mark set 7 comment \"hey \\u\"\n"
      "}\nchain late {\ntype filter hook postrouting priority 5\njump user\n}\nchain user { "
      "}\n}\n");
  const Ruleset ruleset = read_running_kernel();
  const auto inputs = table_inputs(ruleset);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0]->name, "kernel: nf_tables");
  EXPECT_EQ(inputs[0]->rules, 3U);
  EXPECT_TRUE(inputs[0]->is_nft);
  ASSERT_EQ(ruleset.rules.size(), 2U);
  const Rule &rule = ruleset.rules[0];
  EXPECT_EQ(rule.text, "... ct mark set 0x7 comment \"hey \\\\u\"");
  EXPECT_EQ(rule.comment, "hey \\u");
  EXPECT_TRUE(rule.has_other_matches());
  const std::string listing = run({"nft", "-a", "list", "chain", "ip", "mangle", "OUTPUT"}).out;
  const std::string handle = "# handle " + std::to_string(rule.number) + "\n";
  const std::size_t at = listing.find(handle);
  ASSERT_NE(at, listing.npos) << listing;
  EXPECT_NE(listing.substr(0, at).rfind("ct mark set"), listing.npos) << listing;
  EXPECT_TRUE(chain_of(ruleset, rule).reroutes);
  const Chain &late = chain_of(ruleset, ruleset.rules[1]);
  EXPECT_EQ(late.hook, Hook::kPostrouting);
  EXPECT_EQ(late.priority, 5);
  EXPECT_FALSE(late.reroutes);
  EXPECT_EQ(ruleset.chains[ruleset.rules[1].outcome.chain].name, "user");
}

TEST_F(LiveRulesetTest, FollowsVerdictMaps) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  load_nft(
      "table ip t {\nchain a { }\nchain b { }\n"
      "map m { type inet_service : verdict; elements = { 1 : jump a, 2 : goto b, 3 : accept } }\n"
      "chain c {\ntype filter hook output priority 0\n"
      "meta mark and 0xff vmap { 1 : jump a, 2 : jump a, 3 : drop }\n"
      "tcp dport vmap @m\nudp dport vmap @m\n}\n}\n");
  const Ruleset ruleset = read_running_kernel();
  ASSERT_EQ(ruleset.rules.size(), 3U);
  const auto leads = [&ruleset](const Rule &rule) {
    std::set<std::string> names;
    if (rule.branches == nullptr) return names;
    for (const Branch &branch : *rule.branches) {
      names.insert(branch.verdict == Verdict::kJump   ? "jump " + ruleset.chains[branch.chain].name
                   : branch.verdict == Verdict::kGoto ? "goto " + ruleset.chains[branch.chain].name
                   : branch.verdict == Verdict::kDrop ? "drop"
                                                      : "accept");
    }
    return names;
  };
  const Rule &by_mark = ruleset.rules[0];
  EXPECT_EQ(by_mark.text, "meta mark & 0xff vmap { ... }");
  expect_test(by_mark, {.mark = Mark::kPacket, .mask = 0xff, .value_known = false});
  EXPECT_EQ(by_mark.outcome, Branch{});
  EXPECT_EQ(leads(by_mark), (std::set<std::string>{"jump a", "drop"}));
  EXPECT_FALSE(by_mark.has_other_matches());
  EXPECT_EQ(ruleset.rules[1].text, "");
  EXPECT_EQ(leads(ruleset.rules[1]), (std::set<std::string>{"jump a", "goto b", "accept"}));
  EXPECT_EQ(ruleset.rules[1].branches, ruleset.rules[2].branches);  // one map
}

TEST_F(LiveRulesetTest, LeavesOutTablesThatAreSwitchedOff) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  load_nft(
      "table ip off {\nflags dormant\nchain c {\ntype filter hook output priority 0\n"
      "ct mark set 1\n}\n}\n");
  EXPECT_TRUE(read_running_kernel().rules.empty());
}

// The rules are replaced together, and must not be read from different times.
TEST_F(LiveRulesetTest, ReadsRulesOfOneMoment) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  constexpr std::size_t kChains = 50;
  const auto rules = [](int value) {
    std::string text = "table ip t { }\ndelete table ip t\ntable ip t {\n";
    for (std::size_t i = 0; i < kChains; ++i) {
      text += "chain c" + std::to_string(i) + " {\nct mark set " + std::to_string(value) + "\n}\n";
    }
    return text + "}\n";
  };
  load_nft(rules(0));
  const pid_t writer = fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    for (int value = 1;; ++value) run({"nft", "-f", "-"}, rules(value));
  }
  std::vector<MarkExpression> values;
  for (int i = 0; i < 200; ++i) {
    try {
      const Ruleset ruleset = read_running_kernel();
      EXPECT_EQ(ruleset.rules.size(), kChains);
      for (const Rule &rule : ruleset.rules) {
        EXPECT_TRUE(rule.writes.at(0).value == ruleset.rules[0].writes.at(0).value);
      }
      if (HasFailure()) break;
      values.push_back(ruleset.rules[0].writes[0].value);
    } catch (const Refusal &refusal) {
      EXPECT_EQ(std::string(refusal.what()),
                "audit: the rules of nf_tables change faster than they can be read, try again");
    }
  }
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
  ASSERT_FALSE(values.empty());
  EXPECT_FALSE(values.front() == values.back());  // the writer has worked
}

// -- random operations --------------------------------------------------------

void expect_expressions(const Ruleset &ruleset, const std::vector<Operation> &ops) {
  ASSERT_EQ(ruleset.rules.size(), ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const MarkRule expected{Target::kConnmark, ops[i]};
    expect_write(ruleset.rules[i], written_mark(expected), expression_of(expected));
    EXPECT_TRUE(ruleset.rules[i].unknown.empty()) << ruleset.rules[i].text;
    if (testing::Test::HasFailure()) {
      FAIL() << options_for(ops[i]) << "\nread as " << ruleset.rules[i].text;
    }
  }
}

std::vector<Operation> random_rules() {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  return random_operations(random, kRandomRules);
}

// In portions that an ordinary user's socket has room for.
constexpr std::size_t kRulesPerLoad = 500;

void append_rules(const std::string &program, const std::vector<Operation> &ops) {
  for (std::size_t first = 0; first < ops.size(); first += kRulesPerLoad) {
    std::string text = "*mangle\n";
    for (std::size_t i = first; i < std::min(ops.size(), first + kRulesPerLoad); ++i) {
      text += "-A OUTPUT -j CONNMARK " + options_for(ops[i]) + "\n";
    }
    const CommandResult result = run({program + "-restore", "--noflush"}, text + "COMMIT\n");
    ASSERT_EQ(result.status, 0) << result.err;
  }
}

TEST_F(LiveRulesetTest, FoldsRandomRulesOfIptablesNft) {
  if (!is_installed("iptables-nft")) GTEST_SKIP() << "iptables-nft is not installed";
  const std::vector<Operation> ops = random_rules();
  append_rules("iptables-nft", ops);
  const Ruleset ruleset = read_running_kernel();
  expect_expressions(ruleset, ops);
  expect_saved_texts(ruleset, connmark::Family::kIpv4, "iptables-nft", "mangle", ops.size());
}

TEST_F(LiveRulesetTest, FoldsRandomRulesOfIptablesLegacy) {
  if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
  const std::vector<Operation> ops = random_rules();
  append_rules("iptables-legacy", ops);
  const Ruleset ruleset = read_running_kernel();
  expect_expressions(ruleset, ops);
  expect_saved_texts(ruleset, connmark::Family::kIpv4, "iptables-legacy", "mangle", ops.size());
}

void expect_statements_fold(const std::vector<std::string> &nft, bool two_sources) {
  const std::vector<Operation> ops = random_rules();
  const auto statements = translations(Family::kIpv4, ops);
  std::vector<Operation> chosen;
  for (const Operation &op : ops) {
    if (has_two_sources(statements.at(options_for(op))) == two_sources) chosen.push_back(op);
  }
  ASSERT_GT(chosen.size(), kRandomRules / 10);
  std::vector<std::string> argv = nft;
  argv.insert(argv.end(), {"-f", "-"});
  for (std::size_t first = 0; first < chosen.size(); first += kRulesPerLoad) {
    std::string text = "table inet t {\nchain c {\n";
    for (std::size_t i = first; i < std::min(chosen.size(), first + kRulesPerLoad); ++i) {
      text += statements.at(options_for(chosen[i])) + "\n";
    }
    const CommandResult result = run(argv, text + "}\n}\n");
    ASSERT_EQ(result.status, 0) << result.err;
  }
  expect_expressions(read_running_kernel(), chosen);
}

TEST_F(LiveRulesetTest, FoldsRandomStatementsWithOneMark) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (!is_installed("iptables-translate")) GTEST_SKIP() << "iptables-translate is not installed";
  expect_statements_fold({"nft"}, false);
}

TEST(LiveRulesetOfNewNftTest, FoldsRandomStatementsWithBothMarks) {
  const NftRelease nft = find_nft(NftAge::kTwoSources);
  if (!nft.skipped.empty()) GTEST_SKIP() << nft.skipped;
  ASSERT_EQ(nft.failed, "");
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  if (!loads_two_sources(nft.command)) {
    GTEST_SKIP() << "this kernel takes no statement with two marks on the right side";
  }
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  expect_statements_fold(nft.command, true);
}

// -- policy routing -----------------------------------------------------------

TEST_F(LiveRulesetTest, ReadsPolicyRulesAsIpPrintsThem) {
  if (!is_installed("ip")) GTEST_SKIP() << "ip is not installed";
  command("ip rule add priority 70 fwmark 0x80/0x80 lookup 100");
  command(
      "ip rule add priority 71 not to 1.2.0.0/16 iif lo fwmark 0x80 lookup main "
      "suppress_prefixlength 0");
  command("ip rule add priority 72 from 10.0.0.1 oif lo fwmark 7/0xff goto 32766");
  command("ip rule add priority 73 fwmark 0/0xff unreachable");
  command("ip rule add priority 74 ipproto tcp dport 22 uidrange 0-0 fwmark 9 blackhole");
  command("ip rule add priority 75 from 10.0.0.1 lookup 5");
  const Ruleset ruleset = read_running_kernel();
  const std::vector<PolicyRule> rules = added_policy_rules(ruleset);
  ASSERT_EQ(rules.size(), 6U);

  std::vector<std::string> expected;
  for (std::string line : lines(run({"ip", "rule"}).out)) {
    if (!line.starts_with("7")) continue;
    std::ranges::replace(line, '\t', ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    expected.push_back(line);
  }
  std::vector<std::string> found;
  for (const PolicyRule &rule : rules) {
    found.push_back(rule.text);
    EXPECT_EQ(ruleset.inputs.at(rule.input).name, "kernel: ip rules");
    EXPECT_EQ(rule.family, connmark::Family::kIpv4);
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(rules[0].priority, 70U);
  EXPECT_EQ(rules[0].value, 0x80U);
  EXPECT_EQ(rules[0].mask, 0x80U);
  EXPECT_FALSE(rules[0].inverted);
  EXPECT_TRUE(rules[1].inverted);
  EXPECT_EQ(rules[1].mask, kAllBits);
  EXPECT_EQ(rules[3].value, 0U);
  EXPECT_EQ(rules[3].mask, 0xffU);
}

TEST_F(LiveRulesetTest, ReadsPolicyRulesOfIpv6) {
  if (!is_installed("ip")) GTEST_SKIP() << "ip is not installed";
  if (run({"ip", "-6", "rule", "add", "priority", "70", "from", "fe80::/10", "fwmark", "1/3",
           "lookup", "7"})
          .status != 0) {
    GTEST_SKIP() << "no policy routing of IPv6 in here";
  }
  const Ruleset ruleset = read_running_kernel();
  const std::vector<PolicyRule> rules = added_policy_rules(ruleset);
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].family, connmark::Family::kIpv6);
  EXPECT_EQ(rules[0].text, "70: from fe80::/10 fwmark 0x1/0x3 lookup 7");
}

TEST_F(LiveRulesetTest, ReadsReversePathFilters) {
  const auto set = [](const char *name, int value) {
    std::ofstream out(std::string("/proc/sys/net/ipv4/conf/lo/") + name);
    out << value << std::flush;
    return out.good();
  };
  if (!set("rp_filter", 2) || !set("src_valid_mark", 1)) {
    GTEST_SKIP() << "/proc/sys cannot be written in here";
  }
  const Ruleset ruleset = read_running_kernel();
  std::map<std::string, ReversePathFilter> found;
  for (const ReversePathFilter &each : ruleset.reverse_path_filters) {
    found[each.interface] = each;
  }
  ASSERT_TRUE(found.contains("lo"));
  EXPECT_EQ(found["lo"].rp_filter, 2);
  EXPECT_TRUE(found["lo"].src_valid_mark);
  ASSERT_TRUE(found.contains("all"));
  EXPECT_FALSE(found["all"].src_valid_mark);
  EXPECT_FALSE(found.contains("default"));
}

// -- permission ---------------------------------------------------------------

// Status 0 if reading without any capability is refused with what it takes.
int read_without_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) return 3;
  try {
    read_running_kernel();
  } catch (const Refusal &refusal) {
    return std::string_view(refusal.what()) ==
                   "audit: the kernel shows rules to those with CAP_NET_ADMIN only, run it as "
                   "root, or give files: --iptables, --nft, --rules"
               ? 0
               : 2;
  }
  return 1;
}

TEST_F(LiveRulesetTest, SaysWhatItTakes) {
  for (const bool with_legacy : {false, true}) {
    if (with_legacy) {
      if (!is_installed("iptables-legacy")) break;
      command("iptables-legacy -t raw -N user");
    }
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(read_without_capabilities());
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << with_legacy;
  }
}

// -- rules that the programs here do not write ----------------------------------

// A rule's expressions as the kernel sends them.
class Expressions {
 public:
  Expressions() : buffer_(4096) {
    message_ = mnl_nlmsg_put_header(buffer_.data());
    all_ = mnl_attr_nest_start(message_, NFTA_RULE_EXPRESSIONS);
  }

  using Numbers = std::vector<std::pair<std::uint16_t, std::uint32_t>>;
  // Numbers in the kernel's order, and one attribute with 4 bytes of data.
  Expressions &add(const char *name, const Numbers &numbers, std::uint16_t data_type = 0,
                   std::uint32_t data = 0) {
    nlattr *const element = mnl_attr_nest_start(message_, NFTA_LIST_ELEM);
    mnl_attr_put_strz(message_, NFTA_EXPR_NAME, name);
    nlattr *const content = mnl_attr_nest_start(message_, NFTA_EXPR_DATA);
    for (const auto &[type, number] : numbers) mnl_attr_put_u32(message_, type, htonl(number));
    if (data_type != 0) {
      nlattr *const value = mnl_attr_nest_start(message_, data_type);
      mnl_attr_put(message_, NFTA_DATA_VALUE, sizeof data, &data);
      mnl_attr_nest_end(message_, value);
    }
    mnl_attr_nest_end(message_, content);
    mnl_attr_nest_end(message_, element);
    return *this;
  }

  Rule rule() {
    mnl_attr_nest_end(message_, all_);
    Rule rule;
    const NftTable table;
    read_nft_rule(table, "c", all_, nullptr, rule);
    return rule;
  }

 private:
  std::vector<char> buffer_;
  nlmsghdr *message_;
  nlattr *all_;
};

const Expressions::Numbers kLoadPacketMark = {{NFTA_META_DREG, NFT_REG_1},
                                              {NFTA_META_KEY, NFT_META_MARK}};
const Expressions::Numbers kLoadConnectionMark = {{NFTA_CT_DREG, NFT_REG_2},
                                                  {NFTA_CT_KEY, NFT_CT_MARK}};
const Expressions::Numbers kSetPacketMark = {{NFTA_META_SREG, NFT_REG_1},
                                             {NFTA_META_KEY, NFT_META_MARK}};

TEST(NftRuleTest, ComparesInNetworkOrder) {
  Expressions expressions;
  expressions.add("meta", kLoadPacketMark)
      .add("byteorder", {{NFTA_BYTEORDER_SREG, NFT_REG_1},
                         {NFTA_BYTEORDER_DREG, NFT_REG_1},
                         {NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON},
                         {NFTA_BYTEORDER_LEN, 4},
                         {NFTA_BYTEORDER_SIZE, 4}})
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG_1}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA,
           htonl(0x12345678));
  const Rule rule = expressions.rule();
  expect_test(rule, {.mark = Mark::kPacket, .value = 0x12345678, .mask = kAllBits});
  EXPECT_EQ(rule.text, "meta mark 0x12345678");
}

// Linux 6.13 has operators of two registers: 3 is AND, 4 OR, 5 XOR, and attribute
// 8 the second source.
TEST(NftRuleTest, JoinsTwoRegisters) {
  const struct {
    std::uint32_t operation;
    MarkExpression value;
    const char *text;
  } cases[] = {
      {3, bits(0), "meta mark set meta mark & 0xf0 & (ct mark & 0xf)"},
      {4, (kPacketMark & bits(0xf0)) | (kConnectionMark & bits(0xf)),
       "meta mark set meta mark & 0xf0 | ct mark & 0xf"},
      {5, (kPacketMark & bits(0xf0)) ^ (kConnectionMark & bits(0xf)),
       "meta mark set meta mark & 0xf0 ^ ct mark & 0xf"},
  };
  const auto masked = [](std::uint32_t reg) {
    return Expressions::Numbers{
        {NFTA_BITWISE_SREG, reg}, {NFTA_BITWISE_DREG, reg}, {NFTA_BITWISE_LEN, 4}};
  };
  for (const auto &each : cases) {
    Expressions expressions;
    expressions.add("meta", kLoadPacketMark)
        .add("bitwise", masked(NFT_REG_1), NFTA_BITWISE_MASK, 0xf0)
        .add("ct", kLoadConnectionMark)
        .add("bitwise", masked(NFT_REG_2), NFTA_BITWISE_MASK, 0xf)
        .add("bitwise", {{NFTA_BITWISE_SREG, NFT_REG_1},
                         {8, NFT_REG_2},
                         {NFTA_BITWISE_DREG, NFT_REG_1},
                         {NFTA_BITWISE_LEN, 4},
                         {NFTA_BITWISE_OP, each.operation}})
        .add("meta", kSetPacketMark);
    const Rule rule = expressions.rule();
    expect_write(rule, Mark::kPacket, each.value);
    EXPECT_EQ(rule.text, each.text);
    EXPECT_TRUE(rule.unknown.empty());
  }
}

TEST(NftRuleTest, WritesParenthesesWhereNftNeedsThem) {
  Expressions expressions;
  expressions.add("meta", kLoadPacketMark)
      .add("ct", kLoadConnectionMark)
      .add("bitwise", {{NFTA_BITWISE_SREG, NFT_REG_1},
                       {8, NFT_REG_2},
                       {NFTA_BITWISE_DREG, NFT_REG_1},
                       {NFTA_BITWISE_LEN, 4},
                       {NFTA_BITWISE_OP, 5}})
      .add("bitwise",
           {{NFTA_BITWISE_SREG, NFT_REG_1}, {NFTA_BITWISE_DREG, NFT_REG_1}, {NFTA_BITWISE_LEN, 4}},
           NFTA_BITWISE_MASK, 0xff)
      .add("meta", kSetPacketMark);
  const Rule rule = expressions.rule();
  EXPECT_EQ(rule.text, "meta mark set (meta mark ^ ct mark) & 0xff");
  expect_write(rule, Mark::kPacket, (kPacketMark ^ kConnectionMark) & bits(0xff));
}

TEST(NftRuleTest, AnOperatorThatItDoesNotKnowIsSaidInWords) {
  Expressions expressions;
  expressions.add("meta", kLoadPacketMark)
      .add("bitwise", {{NFTA_BITWISE_SREG, NFT_REG_1},
                       {NFTA_BITWISE_DREG, NFT_REG_1},
                       {NFTA_BITWISE_LEN, 4},
                       {NFTA_BITWISE_OP, 99}})
      .add("meta", kSetPacketMark);
  const Rule rule = expressions.rule();
  EXPECT_EQ(rule.unknown, std::vector<std::string>{"meta mark set ...(meta mark)"});
  ASSERT_EQ(rule.writes.size(), 1U);
  EXPECT_EQ(rule.writes[0].value.unknown_bits(), kAllBits);
}

TEST(NftRuleTest, ARouteByMarkLooksAtIt) {
  Expressions expressions;
  expressions
      .add("fib", {{NFTA_FIB_DREG, NFT_REG_1},
                   {NFTA_FIB_RESULT, NFT_FIB_RESULT_OIF},
                   {NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_MARK}})
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG_1}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA, 1);
  const Rule rule = expressions.rule();
  expect_test(rule, {.mark = Mark::kPacket, .mask = kAllBits, .value_known = false});
  EXPECT_TRUE(rule.unknown.empty());
}

TEST(NftRuleTest, AnOptionOfTcpIsNothingUnknown) {
  Expressions expressions;
  expressions.add("meta", kLoadPacketMark)
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG_1}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA, 1)
      .add("exthdr", {{NFTA_EXTHDR_DREG, NFT_REG_1},
                      {NFTA_EXTHDR_LEN, 1},
                      {NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT},
                      {NFTA_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT}})
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG_1}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA, 1);
  const Rule rule = expressions.rule();
  EXPECT_TRUE(rule.unknown.empty());
  expect_test(rule, {.mark = Mark::kPacket, .value = 1, .mask = kAllBits});
  ASSERT_EQ(rule.matches.size(), 2U);
  EXPECT_EQ(rule.matches[0].attribute, Attribute::kProtocol);
}

TEST(NftRuleTest, AnExpressionThatItDoesNotKnowMayHaveWrittenAnyRegister) {
  Expressions expressions;
  expressions.add("meta", kLoadPacketMark).add("oracle", {}).add("meta", kSetPacketMark);
  const Rule rule = expressions.rule();
  EXPECT_EQ(rule.unknown,
            (std::vector<std::string>{"oracle with meta mark . ...", "meta mark set ..."}));
}

// The old register 1 is the same memory as the first four of the new ones.
TEST(NftRuleTest, OldAndNewRegistersAreTheSameMemory) {
  Expressions expressions;
  expressions.add("meta", {{NFTA_META_DREG, NFT_REG32_00}, {NFTA_META_KEY, NFT_META_MARK}})
      .add("ct", {{NFTA_CT_DREG, NFT_REG32_01}, {NFTA_CT_KEY, NFT_CT_MARK}})
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG_1}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA, 7)
      .add("meta", {{NFTA_META_DREG, NFT_REG_1}, {NFTA_META_KEY, NFT_META_IIFNAME}})
      .add("cmp", {{NFTA_CMP_SREG, NFT_REG32_01}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA, 8);
  const Rule rule = expressions.rule();
  expect_test(rule, {.mark = Mark::kPacket, .value = 7, .mask = kAllBits});
  EXPECT_TRUE(rule.has_other_matches());
}

// -- the marks of a rule --------------------------------------------------------

TEST(RuleMarksTest, FindsTheBitsBehindAShiftAndAConstant) {
  const MarkExpression shifted = (kPacketMark >> 8) & bits(0xff);
  const auto tests_of = [](const MarkExpression &value, std::uint32_t compared, bool inverted) {
    Rule rule;
    RuleMarks marks(rule);
    marks.test(value, compared, inverted);
    return rule;
  };
  expect_test(tests_of(shifted, 0x12, false),
              {.mark = Mark::kPacket, .value = 0x1200, .mask = 0xff00});
  expect_test(tests_of(shifted ^ bits(0xf), 0x12, true),
              {.mark = Mark::kPacket, .value = 0x1d00, .mask = 0xff00, .inverted = true});
  // Bit 8 of a value of eight bits: it never holds.
  const Rule never = tests_of(shifted, 0x112, false);
  ASSERT_EQ(never.tests.size(), 1U);
  EXPECT_TRUE(never.tests[0].value_known);
  EXPECT_NE(never.tests[0].value & ~never.tests[0].mask, 0U);
  // Both marks at once: no single number.
  const Rule both = tests_of(kPacketMark ^ kConnectionMark, 0, false);
  ASSERT_EQ(both.tests.size(), 2U);
  EXPECT_FALSE(both.tests[0].value_known);
  EXPECT_FALSE(both.tests[1].value_known);
  // A constant is no test of a mark.
  EXPECT_TRUE(tests_of(bits(5), 5, false).tests.empty());
}

// -- what iptables here cannot make ---------------------------------------------

struct Bytes {
  std::vector<std::byte> bytes;

  template <typename... Number>
  explicit Bytes(Number... numbers) {
    const auto add = [this](auto number) {
      const auto *const begin = reinterpret_cast<const std::byte *>(&number);
      bytes.insert(bytes.end(), begin, begin + sizeof number);
    };
    (add(numbers), ...);
  }
};

Rule with_target(const std::string &name, std::uint8_t revision, const Bytes &data) {
  Rule rule;
  RuleMarks marks(rule);
  EXPECT_TRUE(add_target({name, revision, data.bytes}, rule, marks)) << name;
  return rule;
}

TEST(XtExtensionTest, SaysWhichRevisionItDoesNotKnow) {
  const Bytes enough(std::uint64_t{1}, std::uint64_t{2});
  for (const char *const name : {"CONNMARK", "MARK", "TPROXY", "SET"}) {
    const Rule rule = with_target(name, 9, enough);
    EXPECT_EQ(rule.unknown, std::vector<std::string>{std::string("-j ") + name + ", revision 9"});
    EXPECT_TRUE(rule.writes.empty());
  }
  const Bytes cut(std::uint16_t{1});
  EXPECT_EQ(with_target("CONNMARK", 2, cut).unknown.size(), 1U);
  EXPECT_EQ(with_target("MARK", 2, cut).unknown.size(), 1U);
  for (const char *const name : {"mark", "connmark"}) {
    Rule rule;
    RuleMarks marks(rule);
    EXPECT_TRUE(add_match({}, {name, 0, enough.bytes}, rule, marks));
    EXPECT_EQ(rule.unknown, std::vector<std::string>{std::string("-m ") + name + ", revision 0"});
    EXPECT_TRUE(rule.tests.empty());
  }
}

TEST(XtExtensionTest, ReadsRevision1OfConnmark) {
  const Bytes data(std::uint32_t{0}, std::uint32_t{0xf0}, std::uint32_t{0xf}, std::uint32_t{2});
  const Rule rule = with_target("CONNMARK", 1, data);
  ASSERT_TRUE(rule.mark_rule);
  EXPECT_EQ(canonical(rule.mark_rule->op), restore_mark(0xf, 0xf0));
}

TEST(XtExtensionTest, TakesTheMarkOfASetAsUnknown) {
  // Three sets, and the flags: IPSET_FLAG_MAP_SKBMARK is bit 8.
  const Bytes mapping(std::uint32_t{0}, std::uint32_t{0}, std::uint32_t{1}, std::uint32_t{0x100},
                      std::uint32_t{0});
  const Rule rule = with_target("SET", 3, mapping);
  EXPECT_EQ(rule.unknown, std::vector<std::string>{"-j SET --map-mark"});
  ASSERT_EQ(rule.writes.size(), 1U);
  EXPECT_EQ(rule.writes[0].mark, Mark::kPacket);
  EXPECT_EQ(rule.writes[0].value.unknown_bits(), kAllBits);
  const Bytes adding(std::uint32_t{0}, std::uint32_t{0}, std::uint32_t{1}, std::uint32_t{0},
                     std::uint32_t{0});
  Rule other;
  RuleMarks marks(other);
  EXPECT_FALSE(add_target({"SET", 3, adding.bytes}, other, marks));
  EXPECT_TRUE(other.writes.empty());
}

TEST(XtExtensionTest, AModeThatTheKernelDoesNotKnowWritesNothing) {
  const Bytes data(std::uint32_t{1}, std::uint32_t{2}, std::uint32_t{3}, std::uint32_t{7} << 16);
  const Rule rule = with_target("CONNMARK", 2, data);
  EXPECT_TRUE(rule.writes.empty());
}

TEST(XtTextTest, NamesWhatItCannotWrite) {
  const Bytes data(std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0});
  using connmark::Family;
  EXPECT_EQ(match_text(Family::kIpv4, 0, {"nosuchmatch", 0, data.bytes}), " -m nosuchmatch [...]");
  EXPECT_EQ(target_text(Family::kIpv6, 0, {"NOSUCHTARGET", 3, data.bytes}),
            " -j NOSUCHTARGET [...]");
  EXPECT_EQ(target_text(Family::kBridge, 0, {"CONNMARK", 2, data.bytes}), " -j CONNMARK [...]");
  EXPECT_EQ(target_text(Family::kIpv4, 0, {"CONNMARK", 9, data.bytes}), " -j CONNMARK [...]");
}

// The plugin asks the kernel for the name of a set that is not there, and calls
// the function that ends iptables.
TEST(XtTextTest, OutlivesAPluginThatGivesUp) {
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  const std::vector<std::byte> data(64);
  const XtExtension set{"set", 4, data};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(match_text(connmark::Family::kIpv4, 0, set), " -m set [...]");
    EXPECT_EQ(match_text(connmark::Family::kIpv4, 0, {"mark", 1, data}), " -m mark --mark 0x0/0x0");
  }
}

}  // namespace
}  // namespace connmark::test
