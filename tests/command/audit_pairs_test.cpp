// SPDX-License-Identifier: GPL-2.0-or-later
//
// What connmark audit says of each two owners, and the packets that show it.
#include <gtest/gtest.h>

#include <algorithm>

#include "command/audit_inputs.h"
#include "command/connmark_command.h"
#include "command/temporary_file.h"

namespace connmark::test {
namespace {

// Chains of two owners in FORWARD, the rules of `left` first.
std::string of_two(const std::string &left, const std::string &right) {
  return saved_table("mangle", "red_a red_b blue_a blue_b",
                     "-A FORWARD -j red_a\n-A FORWARD -j blue_a\n-A red_a " + left +
                         "\n-A blue_a " + right + "\n");
}

Json pair_of(const AuditResult &result, const std::string &writer, const std::string &victim) {
  for (const Json &pair : result.json.at("pairs")) {
    if (pair.at("writer") == writer && pair.at("victim") == victim) return pair;
  }
  return nullptr;
}

const std::string kTest = "-m mark --mark 0x1/0x1 -j ACCEPT\n-A blue_a -j MARK --set-xmark 0x0/0x1";

TEST(AuditPairsTest, ShowsThePacketsThatAnotherOwnerHasChanged) {
  const AuditResult result = audit_rules(of_two("-j MARK --set-xmark 0x1/0x1", kTest));
  const Json pair = pair_of(result, "red_*", "blue_*");
  ASSERT_FALSE(pair.is_null()) << result.json["pairs"].dump(2);
  EXPECT_EQ(pair["verdict"], "witness");
  EXPECT_EQ(pair["reason"], nullptr);
  EXPECT_EQ(pair["serves"], false);
  EXPECT_GE(pair["assumptions"].size(), 4U);
  const Json &witness = pair["witness"];
  EXPECT_EQ(witness["packet"], "0x0");
  EXPECT_EQ(witness["connection"], "0x0");
  EXPECT_EQ(witness["bit"], 0);
  EXPECT_EQ(witness["mark"], "packet");
  EXPECT_EQ(witness["sees"], "0x1");
  EXPECT_EQ(witness["sees_without"], "0x0");
  ASSERT_EQ(witness["steps"].size(), 2U) << witness.dump(2);
  const Json &step = witness["steps"][0];
  EXPECT_EQ(step["place"], "ip mangle FORWARD, chain red_a");
  EXPECT_EQ(step["input"], "standard input");
  EXPECT_EQ(step["line"], 13);
  EXPECT_EQ(step["rule"], "-A red_a -j MARK --set-xmark 0x1/0x1");
  EXPECT_EQ(step["packet"], "0x1");
  EXPECT_EQ(step["connection"], "0x0");
  EXPECT_EQ(step["packet_number"], 1);
}

TEST(AuditPairsTest, FollowsTheConnectionFromPacketToPacket) {
  const AuditResult result =
      audit_rules(saved_table("mangle", "red_a red_b blue_a blue_b",
                              "-A PREROUTING -j blue_a\n-A POSTROUTING -j red_a\n"
                              "-A red_a -j CONNMARK --set-xmark 0x1/0x1\n"
                              "-A blue_a -m connmark --mark 0x1/0x1 -j ACCEPT\n"
                              "-A blue_b -j CONNMARK --set-xmark 0x0/0x1\n"));
  const Json pair = pair_of(result, "red_*", "blue_*");
  ASSERT_EQ(pair["verdict"], "witness") << result.json["pairs"].dump(2);
  const Json &steps = pair["witness"]["steps"];
  EXPECT_EQ(steps.front()["packet_number"], 1);
  EXPECT_EQ(steps.back()["packet_number"], 2);
  EXPECT_EQ(pair["witness"]["packets"].size(), 2U);
}

TEST(AuditPairsTest, CallsAReaderThatWritesNothingServed) {
  const AuditResult result =
      audit_rules(of_two("-j MARK --set-xmark 0x1/0x1", "-m mark --mark 0x1/0x1 -j ACCEPT"));
  const Json pair = pair_of(result, "red_*", "blue_*");
  EXPECT_EQ(pair["verdict"], "witness");
  EXPECT_EQ(pair["serves"], true);
  EXPECT_EQ(result.status, 0);
}

TEST(AuditPairsTest, SaysApartOnlyWithWhatItTakesForGranted) {
  // Overwritten before anybody looks.
  const AuditResult result = audit_rules(
      of_two("-j MARK --set-xmark 0x1/0x1",
             "-j MARK --set-xmark 0x0/0x1\n-A blue_a -m mark --mark 0x1/0x1 -j ACCEPT"));
  const Json pair = pair_of(result, "red_*", "blue_*");
  EXPECT_EQ(pair["verdict"], "apart") << pair.dump(2);
  EXPECT_EQ(pair["witness"], nullptr);
  EXPECT_GE(pair["assumptions"].size(), 4U);
}

TEST(AuditPairsTest, TakesForGrantedThatARuleWhichIsNotUnderstoodWritesNothing) {
  const std::string sentence = "rules that are not understood write no marks";
  const auto grants = [&](const std::string &right) {
    const AuditResult result = audit_rules(of_two("-j MARK --set-xmark 0x1/0x1", right));
    const Json granted = pair_of(result, "red_*", "blue_*").at("assumptions");
    return std::ranges::find(granted, Json(sentence)) != granted.end();
  };
  EXPECT_FALSE(grants(kTest));
  EXPECT_TRUE(grants(kTest + "\n-A blue_a -m no-such --x -j -j MARK --set-mark 1"));
}

TEST(AuditPairsTest, TellsThatPacketsAreKeptAway) {
  const AuditResult result = audit_rules(
      of_two("-m mark --mark 0x2/0x2 -j DROP",
             "-m mark --mark 0x1/0x1 -j ACCEPT\n-A blue_a -j MARK --set-xmark 0x0/0x1") +
      saved_table("raw", "red_c",
                  "-A PREROUTING -j red_c\n-A red_c -j MARK --set-xmark 0x2/0x2\n"));
  const Json pair = pair_of(result, "red_*", "blue_*");
  EXPECT_EQ(pair["verdict"], "kept-away") << result.json["pairs"].dump(2);
  EXPECT_TRUE(pair["reason"].is_string());
}

TEST(AuditPairsTest, CountsPairsWithoutABitInCommon) {
  const AuditResult result = audit_rules(of_two("-j MARK --set-xmark 0x2/0x2", kTest));
  EXPECT_EQ(result.json["pairs"], Json::array());
  EXPECT_EQ(result.json["no_bit_in_common"], 1);
}

TEST(AuditPairsTest, SaysWhatItDidNotFollow) {
  std::string chains;
  std::string rules;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "a" + std::to_string(i) + "_x";
    chains += name + " ";
    rules += "-A FORWARD -j " + name + "\n-A " + name + " -m mark --mark 0x1/0x1 -j MARK" +
             " --set-xmark 0x0/0x1\n";
  }
  const std::string saved = saved_table("mangle", chains, rules);
  const AuditResult result = audit_rules(saved);
  EXPECT_EQ(result.json["pairs"], Json::array());
  EXPECT_EQ(result.json["pairs_not_followed"], 200 * 199);
  const CommandResult text =
      run_connmark({"audit", "--owners", owners_file(), "--iptables", "-"}, saved);
  EXPECT_NE(text.out.find("39800 pairs undecided: "), std::string::npos) << text.out;
}

TEST(AuditPairsTest, FindsWhoseMarkIsOverwrittenBeforeRoutingLooks) {
  const TemporaryFile policy(
      "[{\"priority\":99,\"src\":\"all\",\"fwmark\":\"0x1\",\"fwmask\":\"0x1\",\"table\":"
      "\"102\"},{\"priority\":32767,\"src\":\"all\",\"table\":\"default\"}]\n");
  const auto result = [&](const std::string &mask) {
    return audit_rules(saved_table("mangle", "red_a red_b blue_a blue_b",
                                   "-A PREROUTING -j red_a\n-A PREROUTING -j blue_a\n"
                                   "-A red_a -j MARK --set-xmark 0x1/0x1\n"
                                   "-A blue_a -p udp -j MARK --set-xmark 0x100/" +
                                       mask + "\n"),
                       {"--rules", policy.path()});
  };
  const AuditResult whole = result("0xffffffff");
  const Json finding = whole.finding("unmasked-set");
  ASSERT_FALSE(finding.is_null()) << whole.json.dump(2);
  EXPECT_EQ(finding["severity"], "problem");
  EXPECT_EQ(finding["owner"], "blue_*");
  EXPECT_EQ(finding["hurt"], Json{"red_*"});
  EXPECT_EQ(finding["bits"], 1);
  EXPECT_EQ(finding["rules"][0]["better"], "-A blue_a -p udp -j MARK --set-xmark 0x100/0x100");
  ASSERT_EQ(finding["pairs"].size(), 1U);
  EXPECT_EQ(finding["pairs"][0]["verdict"], "witness");
  EXPECT_EQ(finding["pairs"][0]["witness"]["outcome_differs"], true);
  EXPECT_EQ(result("0x100").ids(), std::vector<std::string>{});
}

TEST(AuditPairsTest, HintsAtChainsThatMayBeOfOneAdministrator) {
  const TemporaryFile policy(
      "[{\"priority\":99,\"src\":\"all\",\"fwmark\":\"0x1\",\"fwmask\":\"0x1\",\"table\":"
      "\"102\"},{\"priority\":32767,\"src\":\"all\",\"table\":\"default\"}]\n");
  const AuditResult result =
      audit_rules(saved_table("mangle", "red_a blue_a",
                              "-A PREROUTING -i lan0 -j red_a\n-A PREROUTING -p udp -j blue_a\n"
                              "-A red_a -j MARK --set-xmark 0x1/0x1\n"
                              "-A blue_a -j MARK --set-xmark 0x100/0xffffffff\n"),
                  {"--rules", policy.path()});
  EXPECT_EQ(result.ids(), std::vector<std::string>{});
  const Json finding = result.finding("unmasked-set");
  ASSERT_FALSE(finding.is_null()) << result.json.dump(2);
  EXPECT_EQ(finding["severity"], "hint");
  EXPECT_EQ(finding["hurt"], Json{"red_a"});
  const Json packet = finding["pairs"][0]["witness"]["packets"][0];
  EXPECT_EQ(packet["in_interface"], "lan0");
  EXPECT_EQ(packet["protocol"], "udp");
}

TEST(AuditPairsTest, TheTextShowsTheWay) {
  const CommandResult result = run_connmark({"audit", "--owners", owners_file(), "--iptables", "-"},
                                            of_two("-j MARK --set-xmark 0x1/0x1", kTest));
  EXPECT_NE(result.out.find("witness of red_* -> blue_*\n"
                            "  packet 1: forwarded, IPv4, original direction, new, mark 0x0\n"
                            "    standard input:13: ip mangle red_a, rule 1\n"
                            "      -A red_a -j MARK --set-xmark 0x1/0x1\n"
                            "      -> packet 0x1, connection 0x0\n"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("Who changes what whom sees (writer -> reader):\n"
                            "  red_* -> blue_*  witness\n"),
            std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace connmark::test
