// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/policy_rules_reader.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command/read_kernel/kernel_policy.h"
#include "command/read_text.h"
#include "command/refusal.h"
#include "support/command.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using connmark::Family;

constexpr TextReader kReader{read_policy_rules, "rules.json"};

TEST(PolicyRulesReaderTest, KeepsAllRules) {
  const Ruleset ruleset = kReader.read(
      R"([{"priority":0,"src":"all","table":"local"},)"
      R"({"priority":99,"not":null,"src":"all","fwmark":"0x80","fwmask":"0xff","table":"100"},)"
      R"({"priority":32767,"src":"all","table":"default"}])");
  EXPECT_TRUE(ruleset.has_policy_rules);
  ASSERT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_EQ(ruleset.inputs[0].name, "rules.json");
  EXPECT_EQ(ruleset.inputs[0].rules, 3U);
  ASSERT_EQ(ruleset.policy_rules.size(), 3U);
  EXPECT_FALSE(ruleset.policy_rules[0].looks_at_mark());
  EXPECT_EQ(ruleset.policy_rules[0].table, 255U);
  const PolicyRule &rule = ruleset.policy_rules[1];
  EXPECT_TRUE(rule.looks_at_mark());
  EXPECT_EQ(rule.table, 100U);
  EXPECT_EQ(rule.priority, 99U);
  EXPECT_EQ(rule.value, 0x80U);
  EXPECT_EQ(rule.mask, 0xffU);
  EXPECT_TRUE(rule.inverted);
  EXPECT_EQ(rule.family, Family::kIpv4);
  EXPECT_EQ(rule.text, "99: not from all fwmark 0x80/0xff lookup 100");
}

TEST(PolicyRulesReaderTest, ReadsTextAsWell) {
  const Ruleset ruleset = kReader.read(
      "0:\tfrom all lookup local\n99:\tnot from all fwmark 0x80 lookup 100\n"
      "32767:\tfrom all lookup default\n");
  ASSERT_EQ(ruleset.policy_rules.size(), 3U);
  EXPECT_EQ(ruleset.policy_rules[1].value, 0x80U);
  EXPECT_EQ(ruleset.policy_rules[1].mask, kAllBits);
  EXPECT_TRUE(ruleset.policy_rules[1].inverted);
  EXPECT_EQ(ruleset.policy_rules[1].text, "99: not from all fwmark 0x80 lookup 100");
}

TEST(PolicyRulesReaderTest, TellsTheFamilyByAddressesOrTheDefaultTable) {
  const std::string mark = R"({"priority":5,"src":"all","fwmark":"0x1","table":"7"})";
  const std::string default_rule = R"({"priority":32767,"src":"all","table":"default"})";
  const auto family = [](const std::string &rules) {
    return kReader.read("[" + rules + "]").policy_rules.at(0).family;
  };
  EXPECT_EQ(family(mark + "," + default_rule), Family::kIpv4);
  EXPECT_EQ(family(mark), Family::kIpv6);
  EXPECT_EQ(family(mark + R"(,{"priority":6,"src":"10.0.0.0","srclen":8,"table":"7"})"),
            Family::kIpv4);
  EXPECT_EQ(family(mark + "," + default_rule + R"(,{"priority":6,"src":"fe80::","srclen":10})"),
            Family::kIpv6);
  const Ruleset both = kReader.read(
      "5:\tfrom all fwmark 0x1 lookup 7\n32767:\tfrom all lookup default\n"
      "4:\tfrom all fwmark 0x1 lookup 7\n32766:\tfrom all lookup main\n");
  ASSERT_EQ(both.policy_rules.size(), 4U);
  EXPECT_EQ(both.policy_rules[0].family, Family::kIpv4);
  EXPECT_EQ(both.policy_rules[1].family, Family::kIpv4);
  EXPECT_EQ(both.policy_rules[2].family, Family::kIpv6);
  EXPECT_EQ(both.policy_rules[3].family, Family::kIpv6);
}

TEST(PolicyRulesReaderTest, ReadsWhatARuleAsksForAndDoes) {
  const auto rule = [](const std::string &words) {
    return kReader.read("7:\t" + words + "\n").policy_rules.at(0);
  };
  const PolicyRule all = rule(
      "from 10.1.2.3/8 to 1.2.3.4 tos AF11 iif eth0 [detached] oif lo uidrange 0-9 ipproto tcp "
      "sport 5 dport 6-7 tun_id 9 lookup office suppress_prefixlength 0 realms 3/5 proto static");
  const auto match = [](Attribute attribute, std::uint32_t from, std::uint32_t to,
                        const std::string &text) {
    return Match{.attribute = attribute,
                 .is_stable = attribute == Attribute::kOther,
                 .from = from,
                 .to = to,
                 .text = text};
  };
  EXPECT_EQ(
      all.matches,
      (std::vector<Match>{
          match(Attribute::kSource, 0, 0, "10.0.0.0/8"),
          match(Attribute::kDestination, 0, 0, "1.2.3.4/32"),
          match(Attribute::kOther, 0, 0, "tos AF11"), match(Attribute::kInInterface, 0, 0, "eth0"),
          match(Attribute::kOutInterface, 0, 0, "lo"),
          match(Attribute::kOther, 0, 0, "uidrange 0-9"), match(Attribute::kProtocol, 6, 6, ""),
          match(Attribute::kSourcePort, 5, 5, ""), match(Attribute::kDestinationPort, 6, 7, ""),
          match(Attribute::kOther, 0, 0, "tun_id 9")}));
  EXPECT_EQ(all.action, RoutingAction::kLookup);
  EXPECT_EQ(all.table_name, "office");
  // This machine's "office" need not be that of the file.
  EXPECT_FALSE(all.table);
  EXPECT_EQ(all.suppress_prefixlength, 0U);

  EXPECT_EQ(rule("from all lookup main").table, 254U);
  EXPECT_EQ(rule("from all blackhole").action, RoutingAction::kBlackhole);
  EXPECT_EQ(rule("from all unreachable").action, RoutingAction::kUnreachable);
  EXPECT_EQ(rule("from all prohibit").action, RoutingAction::kProhibit);
  EXPECT_EQ(rule("from all nop").action, RoutingAction::kNop);
  EXPECT_EQ(rule("from all goto 9").action, RoutingAction::kGoto);
  EXPECT_EQ(rule("from all goto 9").target, 9U);
  EXPECT_FALSE(rule("from all goto 9 [unresolved]").target);
  EXPECT_EQ(rule("from 0/8 lookup default").matches,
            std::vector<Match>{match(Attribute::kSource, 0, 0, "0.0.0.0/8")});
  EXPECT_EQ(rule("from all lookup [l3mdev-table]").matches,
            std::vector<Match>{match(Attribute::kOther, 0, 0, "lookup [l3mdev-table]")});
  EXPECT_EQ(rule("from all colour blue").matches.size(), 2U);
}

TEST(PolicyRulesReaderTest, TakesNoWordsOutOfAValue) {
  const std::string words =
      kReader.refusal(R"([{"priority":5,"src":"all","iif":"lo fwmark 1","table":"7"}])");
  EXPECT_NE(words.find("\"lo fwmark 1\", which is not one word"), words.npos) << words;
}

TEST(PolicyRulesReaderTest, RefusesWithFileLineAndWords) {
  EXPECT_EQ(kReader.refusal("[{\"priority\":5,\n\"src\":\"all\",\"fwmark\":\"0x1g\"}]"),
            "rules.json: line 2: column 28: fwmark: \"0x1g\" is not a mark, give 0 to 0xffffffff");
  EXPECT_EQ(kReader.refusal("5:\tfrom all fwmark 0x100000000 lookup 7\n"),
            "rules.json: line 1: fwmark: \"0x100000000\" is not a mark, give 0 to 0xffffffff");
  EXPECT_EQ(kReader.refusal("[{\"src\":\"all\"}]"),
            "rules.json: line 1: column 14: a rule without \"priority\", give what \"ip -j rule\""
            " prints");
  EXPECT_EQ(kReader.refusal("[{\"priority\":5,\"src\":\"all\""),
            "rules.json: line 1: column 26: the JSON text ends here, but it is not complete");
}

TEST(PolicyRulesReaderTest, RefusesForeignTexts) {
  for (const char *text :
       {"", "\n", "{\"nftables\": []}", "[1]", "[[]]", "[] []", "*mangle\nCOMMIT\n", "<html>\n",
        "default via 10.0.0.1 dev eth0\n", "5:\tfwmark\n", "5: from all fwmark\n",
        "99999999999: from all\n", "5\n", ":\n", "[{\"priority\":[5],\"src\":\"all\"}]",
        "[{\"priority\":-5,\"fwmark\":\"1\"}]", "\x1b[31m\n"}) {
    const std::string words = kReader.refusal(text);
    EXPECT_TRUE(words.starts_with("rules.json: line ")) << text << '\n' << words;
    EXPECT_EQ(words.find('\x1b'), words.npos);
  }
}

TEST(PolicyRulesReaderTest, LeavesTheRulesetAsItWasAfterARefusal) {
  Ruleset ruleset;
  std::istringstream in("5:\tfrom all fwmark 1 lookup 7\nrubbish\n");
  EXPECT_THROW(read_policy_rules(in, "rules.json", ruleset), Refusal);
  EXPECT_FALSE(ruleset.has_policy_rules);
  EXPECT_TRUE(ruleset.policy_rules.empty());
  EXPECT_TRUE(ruleset.inputs.empty());
}

// Real rules, from both outputs of ip and over rtnetlink.
class KernelRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("ip")) GTEST_SKIP() << "ip is not installed";
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    for (const char *rule :
         {"fwmark 0x80/0x80 lookup 100", "not fwmark 0xca6c lookup 51820", "fwmark 0 lookup 7",
          "fwmark 0/0xff lookup 7",
          "from 10.0.0.0/8 to 10.1.2.3 iif lo oif lo fwmark 2/7 lookup 9 suppress_prefixlength 0",
          "fwmark 0x80000/0xff0000 unreachable", "fwmark 9 goto 32766", "fwmark 9 nop",
          "fwmark 9 ipproto tcp dport 22 sport 1-5 lookup default", "fwmark 11 blackhole",
          "fwmark 11 iif nosuch oif nosuch2 tun_id 5 lookup 5", "fwmark 12 goto 5 pref 4",
          "fwmark 13 lookup main suppress_ifgroup 5", "fwmark 14 lookup 7 realms 3/5",
          "lookup 7 realms 6 proto static", "from 10.9.8.7/8 tos 4 lookup 9 proto 77",
          "ipproto 253 uidrange 0-0 prohibit", "to 10.0.0.1 l3mdev pref 6",
          "fwmark 15 proto kernel lookup 11"}) {
      std::vector<std::string> argv = words(std::string("ip rule add ") + rule);
      const CommandResult result = run(argv);
      ASSERT_EQ(result.status, 0) << rule << '\n' << result.err;
    }
    const CommandResult result = run(words("ip -6 rule add from fe80::/10 fwmark 5 lookup 100"));
    has_ipv6_ = result.status == 0;
  }

  static void expect_same(const std::vector<PolicyRule> &rules,
                          const std::vector<PolicyRule> &others, const std::string &what) {
    ASSERT_EQ(rules.size(), others.size()) << what;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      EXPECT_EQ(rules[i].text, others[i].text) << what;
      EXPECT_EQ(rules[i].priority, others[i].priority) << what << rules[i].text;
      EXPECT_EQ(rules[i].value, others[i].value) << what << rules[i].text;
      EXPECT_EQ(rules[i].mask, others[i].mask) << what << rules[i].text;
      EXPECT_EQ(rules[i].inverted, others[i].inverted) << what << rules[i].text;
      EXPECT_EQ(rules[i].family, others[i].family) << what << rules[i].text;
      EXPECT_EQ(rules[i].action, others[i].action) << what << rules[i].text;
      EXPECT_EQ(rules[i].table, others[i].table) << what << rules[i].text;
      EXPECT_EQ(rules[i].table_name, others[i].table_name) << what << rules[i].text;
      EXPECT_EQ(rules[i].target, others[i].target) << what << rules[i].text;
      EXPECT_EQ(rules[i].suppress_prefixlength, others[i].suppress_prefixlength)
          << what << rules[i].text;
      EXPECT_EQ(rules[i].matches, others[i].matches) << what << rules[i].text;
    }
  }

  bool has_ipv6_ = false;
};

TEST_F(KernelRulesTest, ReadsTheSameFromJsonTextAndKernel) {
  std::vector<PolicyRule> from_json = kReader.read(run({"ip", "-j", "rule"}).out).policy_rules;
  std::string text = run({"ip", "rule"}).out;
  if (has_ipv6_) {
    const auto ipv6 = kReader.read(run({"ip", "-j", "-6", "rule"}).out).policy_rules;
    ASSERT_EQ(ipv6.size(), 3U);
    EXPECT_EQ(ipv6[0].family, Family::kIpv6);
    from_json.insert(from_json.end(), ipv6.begin(), ipv6.end());
    text += run({"ip", "-6", "rule"}).out;
  }
  EXPECT_EQ(from_json.size(), has_ipv6_ ? 25U : 22U);
  expect_same(from_json, kReader.read(text).policy_rules, "text: ");
  Ruleset kernel;
  read_kernel_policy_rules(kernel);
  expect_same(from_json, kernel.policy_rules, "kernel: ");
}

// Words of ip rule at random; those that this kernel or this ip does not take are
// left out.
TEST_F(KernelRulesTest, ReadsTheSameOfRandomRules) {
  constexpr int kRules = 300;
  RandomRules random(random_seed());
  std::string batch;
  const auto one_of = [&random](std::initializer_list<const char *> choices) {
    const auto index = random.below(static_cast<std::uint32_t>(choices.size()));
    return std::string(" ") + choices.begin()[index];
  };
  for (int i = 0; i < kRules; ++i) {
    batch += "rule add pref " + std::to_string(100 + i);
    batch += one_of({"", "", "", "not"});
    batch += one_of({"from all", "from 10.1.2.3/", "from 10.0.0.1"});
    if (batch.ends_with('/')) batch += std::to_string(1 + random.below(32));
    batch += one_of({"", "", "to 192.0.2.0/24", "to 0.0.0.0/1"});
    batch += one_of({"", "", "", "tos 0x10", "tos 4"});
    batch += one_of({"", "fwmark 0x1", "fwmark 7/0xff", "fwmark 0/0x80", "fwmark 0xffffffff"});
    batch += one_of({"", "", "iif lo", "iif nosuch"});
    batch += one_of({"", "", "", "oif lo", "oif nosuch"});
    batch += one_of({"", "", "", "uidrange 0-0"});
    batch += one_of({"", "", "ipproto tcp", "ipproto udp sport 53", "ipproto 253",
                     "ipproto sctp sport 1-5 dport 7"});
    batch += one_of({"", "", "", "", "tun_id 77"});
    batch += one_of({"lookup", "lookup main", "lookup 77 suppress_prefixlength 0", "unreachable",
                     "lookup main suppress_ifgroup 3", "blackhole", "prohibit", "nop", "goto 32766",
                     "goto 30000", "lookup 9 realms 3/5", "lookup 9 realms 7"});
    if (batch.ends_with("lookup")) batch += " " + std::to_string(1 + random.below(1000));
    batch += one_of({"", "", "proto static", "proto 77", "proto kernel"});
    batch += "\n";
  }
  run({"ip", "-force", "-batch", "-"}, batch);
  const std::string text = run({"ip", "rule"}).out;
  const Ruleset from_text = kReader.read(text);
  EXPECT_GT(from_text.policy_rules.size(), 200U) << text;
  expect_same(from_text.policy_rules, kReader.read(run({"ip", "-j", "rule"}).out).policy_rules,
              "json: ");
  Ruleset kernel;
  read_kernel_policy_rules(kernel);
  std::erase_if(kernel.policy_rules,
                [](const PolicyRule &rule) { return rule.family == Family::kIpv6; });
  expect_same(from_text.policy_rules, kernel.policy_rules, "kernel: ");
}

}  // namespace
}  // namespace connmark::test
