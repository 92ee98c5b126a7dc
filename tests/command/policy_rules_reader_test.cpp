// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/policy_rules_reader.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command/read_kernel/kernel_policy.h"
#include "command/read_text.h"
#include "command/refusal.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

using connmark::Family;

constexpr TextReader kReader{read_policy_rules, "rules.json"};

TEST(PolicyRulesReaderTest, KeepsTheRulesThatLookAtMarks) {
  const Ruleset ruleset = kReader.read(
      R"([{"priority":0,"src":"all","table":"local"},)"
      R"({"priority":99,"not":null,"src":"all","fwmark":"0x80","fwmask":"0xff","table":"100"},)"
      R"({"priority":32767,"src":"all","table":"default"}])");
  EXPECT_TRUE(ruleset.has_policy_rules);
  ASSERT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_EQ(ruleset.inputs[0].name, "rules.json");
  ASSERT_EQ(ruleset.policy_rules.size(), 1U);
  const PolicyRule &rule = ruleset.policy_rules[0];
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
  ASSERT_EQ(ruleset.policy_rules.size(), 1U);
  EXPECT_EQ(ruleset.policy_rules[0].value, 0x80U);
  EXPECT_EQ(ruleset.policy_rules[0].mask, kAllBits);
  EXPECT_TRUE(ruleset.policy_rules[0].inverted);
  EXPECT_EQ(ruleset.policy_rules[0].text, "99: not from all fwmark 0x80 lookup 100");
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
  ASSERT_EQ(both.policy_rules.size(), 2U);
  EXPECT_EQ(both.policy_rules[0].family, Family::kIpv4);
  EXPECT_EQ(both.policy_rules[1].family, Family::kIpv6);
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
          "from 10.0.0.0/8 to 10.1.2.3 iif lo oif lo tos 0x10 fwmark 0x2/0xff lookup main"
          " suppress_prefixlength 0",
          "fwmark 0x80000/0xff0000 unreachable", "fwmark 9 goto 32766", "fwmark 9 nop",
          "fwmark 9 ipproto tcp dport 22 sport 1-5 lookup default", "fwmark 11 blackhole",
          "fwmark 11 iif nosuch oif nosuch2 tun_id 5 lookup 5", "fwmark 12 goto 5 pref 4",
          "fwmark 13 lookup main suppress_ifgroup 5"}) {
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
    }
  }

  bool has_ipv6_ = false;
};

TEST_F(KernelRulesTest, ReadsTheSameFromJsonTextAndKernel) {
  std::vector<PolicyRule> from_json = kReader.read(run({"ip", "-j", "rule"}).out).policy_rules;
  std::string text = run({"ip", "rule"}).out;
  if (has_ipv6_) {
    const auto ipv6 = kReader.read(run({"ip", "-j", "-6", "rule"}).out).policy_rules;
    ASSERT_EQ(ipv6.size(), 1U);
    EXPECT_EQ(ipv6[0].family, Family::kIpv6);
    from_json.insert(from_json.end(), ipv6.begin(), ipv6.end());
    text += run({"ip", "-6", "rule"}).out;
  }
  // All but "fwmark 0", which matches every mark.
  EXPECT_EQ(from_json.size(), has_ipv6_ ? 13U : 12U);
  expect_same(from_json, kReader.read(text).policy_rules, "text: ");
  // What ip adds of its own accord, and a key of tunnels.
  for (PolicyRule &rule : from_json) {
    for (const std::string_view each : {" [detached]", " [unresolved]", " tun_id 5"}) {
      for (std::size_t at; (at = rule.text.find(each)) != rule.text.npos;) {
        rule.text.erase(at, each.size());
      }
    }
  }
  Ruleset kernel;
  read_kernel_policy_rules(kernel);
  expect_same(from_json, kernel.policy_rules, "kernel: ");
}

}  // namespace
}  // namespace connmark::test
