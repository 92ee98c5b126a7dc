// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/iptables_save_reader.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "command/read_kernel/legacy_tables.h"
#include "command/read_text.h"
#include "command/refusal.h"
#include "support/command.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using connmark::Family;

constexpr TextReader kReader{read_iptables_save, "rules.v4"};

// The mangle table with two more chains, A and B, and these rules.
std::string mangle(const std::string &rules) {
  return "*mangle\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n" +
         rules + "COMMIT\n";
}

Rule only_rule(const std::string &line) {
  const Ruleset ruleset = kReader.read(mangle(line + "\n"));
  EXPECT_EQ(ruleset.rules.size(), 1U) << line;
  return ruleset.rules.empty() ? Rule{} : ruleset.rules[0];
}

std::string rule_refusal(const std::string &line) { return kReader.refusal(mangle(line + "\n")); }

void expect_test(const Rule &rule, Mark mark, std::uint32_t value, std::uint32_t mask,
                 bool inverted = false) {
  ASSERT_EQ(rule.tests.size(), 1U) << rule.text;
  EXPECT_EQ(rule.tests[0].mark, mark) << rule.text;
  EXPECT_EQ(rule.tests[0].value, value) << rule.text;
  EXPECT_EQ(rule.tests[0].mask, mask) << rule.text;
  EXPECT_EQ(rule.tests[0].inverted, inverted) << rule.text;
  EXPECT_TRUE(rule.tests[0].value_known) << rule.text;
}

TEST(IptablesSaveReaderTest, KnowsWhereBuiltInChainsHookIn) {
  const Ruleset ruleset = kReader.read(
      "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n"
      "*mangle\n:OUTPUT ACCEPT [0:0]\n:MINE - [0:0]\nCOMMIT\n");
  ASSERT_EQ(ruleset.chains.size(), 4U);
  EXPECT_EQ(ruleset.chains[0].hook, Hook::kPrerouting);
  EXPECT_EQ(ruleset.chains[0].priority, kDestinationNatPriority);
  EXPECT_EQ(ruleset.chains[1].priority, kSourceNatPriority);
  EXPECT_EQ(ruleset.chains[2].table, "mangle");
  EXPECT_TRUE(ruleset.chains[2].reroutes);
  EXPECT_FALSE(ruleset.chains[3].hook);
  ASSERT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_EQ(ruleset.inputs[0].name, "rules.v4");
  EXPECT_FALSE(ruleset.inputs[0].is_nft);
}

TEST(IptablesSaveReaderTest, CountsRulesOfEachChainAndLinesOfTheFile) {
  const Ruleset ruleset = kReader.read(
      mangle("-A A -p tcp\n-A B -j MARK --set-mark 1\n[7:420] -A A -j MARK --set-mark 2\n"));
  ASSERT_EQ(ruleset.rules.size(), 2U);
  EXPECT_EQ(ruleset.rules[0].number, 1U);
  EXPECT_EQ(ruleset.rules[1].number, 2U);
  EXPECT_EQ(ruleset.rules[1].line, 8U);
  EXPECT_EQ(ruleset.rules[1].text, "-A A -j MARK --set-mark 2");
  EXPECT_EQ(ruleset.chains[ruleset.rules[1].chain].name, "A");
}

TEST(IptablesSaveReaderTest, ReadsTestsOfBothMarks) {
  expect_test(only_rule("-A A -m mark --mark 0x1/0xff -j ACCEPT"), Mark::kPacket, 1, 0xff);
  expect_test(only_rule("-A A -m connmark ! --mark 0x2 -j ACCEPT"), Mark::kConnection, 2, kAllBits,
              true);
  expect_test(only_rule("-A A -m mark --mark=010/15"), Mark::kPacket, 8, 15);
  expect_test(only_rule("-A A -m mark -m comment --comment x --mark 3"), Mark::kPacket, 3,
              kAllBits);
  const Rule both = only_rule("-A A -m mark --mark 1 -m connmark --mark 2 -j ACCEPT");
  ASSERT_EQ(both.tests.size(), 2U);
  EXPECT_EQ(both.tests[0].mark, Mark::kPacket);
  EXPECT_EQ(both.tests[1].mark, Mark::kConnection);
}

TEST(IptablesSaveReaderTest, ReadsEachSpellingOfAWriteAsThePluginDoes) {
  const struct {
    const char *line;
    MarkRule rule;
  } cases[] = {
      {"-j CONNMARK --set-xmark 0x1/0xff", {Target::kConnmark, set_xmark(1, 0xff)}},
      {"-j CONNMARK --set-mark 1/0xff", {Target::kConnmark, set_mark(1, 0xff)}},
      {"-j CONNMARK --and-mark 0xf0", {Target::kConnmark, and_mark(0xf0)}},
      {"-j CONNMARK --save-mark --nfmask 0x1 --ctmask 0x2", {Target::kConnmark, save_mark(1, 2)}},
      {"-j CONNMARK --restore-mark --mask 255", {Target::kConnmark, restore_mark(255, 255)}},
      {"-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00 --right-shift-mark 8",
       {Target::kConnmark, with_shift(restore_mark(0xff, 0xff00), Direction::kRight, 8)}},
      {"-jCONNMARK --res", {Target::kConnmark, restore_mark()}},
      {"--jump=MARK --set-mark 7", {Target::kMark, set_mark(7)}},
      {"-j MARK --set-xmark 0x7/0x0", {Target::kMark, xor_mark(7)}},
      {"-j MARK --or-mark 0x7", {Target::kMark, or_mark(7)}},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(std::string("-A A ") + each.line);
    EXPECT_EQ(rule.mark_rule, each.rule) << each.line;
    ASSERT_EQ(rule.writes.size(), 1U) << each.line;
    EXPECT_EQ(rule.writes[0].mark, written_mark(each.rule)) << each.line;
    EXPECT_EQ(rule.writes[0].value, expression_of(each.rule)) << each.line;
    EXPECT_FALSE(rule.ends_chain()) << each.line;
  }
}

TEST(IptablesSaveReaderTest, ReadsThePluginsOwnTextOfRandomRules) {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  for (int i = 0; i < 2000; ++i) {
    const MarkRule rule{Target::kConnmark, random.operation()};
    EXPECT_EQ(only_rule("-A A " + saved_form(rule)).mark_rule, rule) << saved_form(rule);
    const std::string typed = "-A A -j CONNMARK " + options_for(rule.op);
    EXPECT_EQ(only_rule(typed).mark_rule, rule) << typed;
  }
}

TEST(IptablesSaveReaderTest, KnowsTheOtherWritersOfMarks) {
  const Rule tproxy = only_rule("-A A -p tcp -j TPROXY --on-port 5 --tproxy-mark 0x1/0x3");
  ASSERT_EQ(tproxy.writes.size(), 1U);
  EXPECT_EQ(tproxy.writes[0].value, expression_of({Target::kMark, set_xmark(1, 3)}));
  EXPECT_FALSE(tproxy.mark_rule);
  EXPECT_TRUE(tproxy.ends_chain());
  for (const char *line :
       {"-A A -m socket --transparent --restore-skmark -j ACCEPT",
        "-A A -j SET --map-set marks src --map-mark", "-A A -j HMARK --hmark-mod 2"}) {
    const Rule rule = only_rule(line);
    ASSERT_EQ(rule.writes.size(), 1U) << line;
    EXPECT_EQ(rule.writes[0].mark, Mark::kPacket) << line;
    EXPECT_EQ(rule.writes[0].value, MarkExpression::unknown()) << line;
    EXPECT_EQ(rule.unknown.size(), 1U) << line;
  }
}

TEST(IptablesSaveReaderTest, LeavesOutWhatHasNoEffect) {
  for (const char *line : {"-A A -j SET --add-set x src", "-A A -j CONNSECMARK --save",
                           "-A A -p tcp", "-A A -j LOG --log-prefix \"-j MARK\"",
                           "-A A -j DNPT --src-pfx dead::/64 --dst-pfx 1::/64"}) {
    EXPECT_TRUE(kReader.read(mangle(std::string(line) + "\n")).rules.empty()) << line;
  }
}

TEST(IptablesSaveReaderTest, SaysWhereARuleWithoutMarksSendsPackets) {
  const struct {
    const char *line;
    Verdict verdict;
  } cases[] = {
      {"-j TPROXY --on-port 5 --tproxy-mark 0x0/0x0", Verdict::kAccept},
      {"-m socket --transparent -j ACCEPT", Verdict::kAccept},
      {"-m comment --comment -j -j ACCEPT", Verdict::kAccept},
      {"-p tcp -m tcp --dport 22 -j DROP", Verdict::kDrop},
      {"-j REJECT --reject-with icmp-port-unreachable", Verdict::kDrop},
      {"-j RETURN", Verdict::kReturn},
      {"-j B", Verdict::kJump},
      {"-g B", Verdict::kGoto},
      {"-j NOTRACK", Verdict::kContinue},
      {"-j CT --notrack", Verdict::kContinue},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(std::string("-A A ") + each.line);
    EXPECT_EQ(rule.outcome.verdict, each.verdict) << each.line;
    EXPECT_FALSE(rule.touches_marks()) << each.line;
    EXPECT_EQ(rule.text, "") << each.line;
    EXPECT_EQ(rule.untracks,
              std::string_view(each.line).find("TRACK") != std::string_view::npos ||
                  std::string_view(each.line).find("notrack") != std::string_view::npos)
        << each.line;
  }
}

TEST(IptablesSaveReaderTest, CountsReadsThatDecideNothing) {
  for (const char *line :
       {"-A A -j CT --zone-orig mark", "-A A -j CT --zone mark", "-A A -j NFQUEUE --queue-num 1"}) {
    const Rule rule = only_rule(line);
    ASSERT_EQ(rule.tests.size(), 1U) << line;
    EXPECT_EQ(rule.tests[0].mark, Mark::kPacket) << line;
    EXPECT_EQ(rule.tests[0].mask, kAllBits) << line;
    EXPECT_FALSE(rule.tests[0].decides) << line;
  }
  const Rule way_back = only_rule("-A A -m rpfilter --validmark -j ACCEPT");
  ASSERT_EQ(way_back.tests.size(), 1U);
  EXPECT_TRUE(way_back.tests[0].decides);
  EXPECT_FALSE(way_back.tests[0].value_known);
}

Match asked(Attribute attribute, std::uint32_t from, std::uint32_t to, const std::string &text = {},
            bool inverted = false) {
  return {.attribute = attribute, .inverted = inverted, .from = from, .to = to, .text = text};
}

Match other_words(const std::string &text, bool is_stable = true, bool inverted = false) {
  return {
      .attribute = Attribute::kOther, .inverted = inverted, .is_stable = is_stable, .text = text};
}

TEST(IptablesSaveReaderTest, KnowsWhatEachMatchAsks) {
  const Match tcp = asked(Attribute::kProtocol, 6, 6);
  const struct {
    const char *words;
    std::vector<Match> matches;
  } cases[] = {
      {"-i eth+", {asked(Attribute::kInInterface, 0, 0, "eth+")}},
      {"! -o lo", {asked(Attribute::kOutInterface, 0, 0, "lo", true)}},
      {"-i +", {}},
      {"-s 10.1.2.3/8 -d 10.0.0.1",
       {asked(Attribute::kSource, 0, 0, "10.0.0.0/8"),
        asked(Attribute::kDestination, 0, 0, "10.0.0.1/32")}},
      {"-s 10.0.0.0/255.0.0.0", {asked(Attribute::kSource, 0, 0, "10.0.0.0/8")}},
      {"-s 10.0.0.1/255.0.0.255", {other_words("-s 10.0.0.1/255.0.0.255")}},
      {"! -s 10.0.0.1,10.0.0.2", {other_words("-s 10.0.0.1,10.0.0.2", true, true)}},
      {"-s 0.0.0.0/0 -p all", {}},
      {"-s FE80::1/10", {asked(Attribute::kSource, 0, 0, "fe80::/10")}},
      {"-p tcp", {tcp}},
      {"-p tcp -m tcp", {tcp}},
      {"-p tcp --dport 80", {tcp, asked(Attribute::kDestinationPort, 80, 80)}},
      {"-p tcp -m tcp ! --sport 1:1024 --dport :99",
       {tcp, asked(Attribute::kSourcePort, 1, 1024, "", true),
        asked(Attribute::kDestinationPort, 0, 99)}},
      {"-p tcp -m tcp --dport 80 --tcp-flags FIN,SYN SYN",
       {tcp, asked(Attribute::kDestinationPort, 80, 80),
        other_words("-m tcp --dport 80 --tcp-flags FIN,SYN SYN")}},
      {"-p udp -m multiport --dports 53",
       {asked(Attribute::kProtocol, 17, 17), asked(Attribute::kDestinationPort, 53, 53)}},
      {"-p udp -m multiport --dports 53,99",
       {asked(Attribute::kProtocol, 17, 17), other_words("-m multiport --dports 53,99")}},
      {"-m conntrack --ctstate NEW,INVALID",
       {asked(Attribute::kConnectionState, kStateNew | kStateInvalid, 0)}},
      {"-m state ! --state ESTABLISHED",
       {asked(Attribute::kConnectionState, kStateEstablished, 0, "", true)}},
      {"-m conntrack --ctstate DNAT", {other_words("-m conntrack --ctstate DNAT")}},
      {"-m conntrack --ctdir REPLY", {asked(Attribute::kConnectionDirection, 1, 0)}},
      {"-m conntrack --ctstate INVALID --ctdir REPLY",
       {asked(Attribute::kConnectionState, kStateInvalid, 0),
        other_words("-m conntrack --ctstate INVALID --ctdir REPLY")}},
      {"-6", {asked(Attribute::kIpVersion, 6, 6)}},
      {"! -f", {other_words("-f", true, true)}},
      {"-m limit --limit 1/sec", {other_words("-m limit --limit 1/sec", false)}},
      {"-m addrtype --dst-type LOCAL", {other_words("-m addrtype --dst-type LOCAL")}},
      {"-m string --string \"a b\" --algo bm",
       {other_words("-m string --string \"a b\" --algo bm")}},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(std::string("-A A ") + each.words + " -j ACCEPT");
    EXPECT_EQ(rule.matches, each.matches) << each.words;
    EXPECT_FALSE(rule.touches_marks()) << each.words;
  }
}

TEST(IptablesSaveReaderTest, SeesRulesBehindArgumentsThatLookLikeOptions) {
  for (const char *line : {"-A A -m helper --helper \"--log-prefix\" -j MARK --set-mark 3/3",
                           "-A A -m helper --helper \"-j\" -j MARK --set-mark 3/3",
                           "-A A -m recent --name --mask --rsource -j MARK --set-mark 3/3",
                           "-A A -m string --algo bm --string -jDROP -j MARK --set-mark 3/3",
                           "-A A -m comment --comment --comment -j MARK --set-mark 3/3",
                           "-j MARK --set-mark 3/3 -m helper --helper -A -A A"}) {
    const Rule rule = only_rule(line);
    EXPECT_EQ(rule.mark_rule, (MarkRule{Target::kMark, set_mark(3, 3)})) << line;
    EXPECT_EQ(rule.matches.size() + (rule.comment.empty() ? 0 : 1), 1U) << line;
    EXPECT_TRUE(rule.unknown.empty()) << line;
  }
  EXPECT_TRUE(only_rule("-A A -m helper --helper -j -j ACCEPT").text.empty());
}

TEST(IptablesSaveReaderTest, MakesWhatNobodyKnowsAnUnknownRule) {
  for (const char *line :
       {"-A A -m nosuchmatch -j ACCEPT", "-A A -m nosuchmatch --what -j MARK --set-mark 1",
        "-A A -m ../../x -j ACCEPT", "-A A -j CONNMARK --set-return", "-A A -j SOMETARGET",
        "-A A -j SOMETARGET --set-mark 1", "-A A --frob x -j ACCEPT", "-A A -i lo eth0 -j ACCEPT",
        "-A A -g C"}) {
    const Rule rule = only_rule(line);
    EXPECT_EQ(rule.unknown.size(), 1U) << line;
    EXPECT_EQ(rule.text, line);
  }
  const Rule guessed = only_rule("-A A -m nosuchmatch --what -j MARK --set-mark 1");
  EXPECT_EQ(guessed.mark_rule, (MarkRule{Target::kMark, set_mark(1)}));
}

TEST(IptablesSaveReaderTest, KnowsPoliciesAndNat) {
  const Ruleset ruleset = kReader.read(
      "*nat\n:OUTPUT ACCEPT\n:MINE -\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD "
      "ACCEPT\nCOMMIT\n");
  ASSERT_EQ(ruleset.chains.size(), 4U);
  EXPECT_TRUE(ruleset.chains[0].is_nat);
  EXPECT_FALSE(ruleset.chains[1].is_nat);
  EXPECT_FALSE(ruleset.chains[2].is_nat);
  EXPECT_TRUE(ruleset.chains[2].policy_drops);
  EXPECT_FALSE(ruleset.chains[3].policy_drops);
}

TEST(IptablesSaveReaderTest, CountsAWriteBehindAllMatches) {
  const Rule rule =
      only_rule("-A A -j MARK --set-mark 1 -i lo -m mark --mark 2 -p tcp -m tcp --dport 1");
  ASSERT_EQ(rule.writes.size(), 1U);
  EXPECT_EQ(rule.writes[0].matches_before, 3U);
  EXPECT_EQ(rule.writes[0].tests_before, 1U);
}

TEST(IptablesSaveReaderTest, FollowsJumpsToDeclaredChainsOnly) {
  const Rule jump = only_rule("-A A -p tcp -j B");
  EXPECT_EQ(jump.outcome.chain, 3U);
  EXPECT_FALSE(jump.is_goto());
  EXPECT_TRUE(jump.has_other_matches());
  EXPECT_EQ(jump.text, "");
  EXPECT_TRUE(only_rule("-A A -g B").is_goto());
}

TEST(IptablesSaveReaderTest, TellsMatchesOfOtherThingsFromThoseOfMarks) {
  EXPECT_FALSE(
      only_rule("-A A -m mark --mark 1 -m comment --comment x -j ACCEPT").has_other_matches());
  for (const char *match : {"-s 10.0.0.0/8", "! -d 10.0.0.1/32", "-i lo", "-o lo", "-p udp", "-f",
                            "-m conntrack --ctstate NEW", "--protocol=udp"}) {
    EXPECT_TRUE(
        only_rule("-A A " + std::string(match) + " -j MARK --set-mark 1").has_other_matches())
        << match;
  }
}

TEST(IptablesSaveReaderTest, KeepsCommentsWithQuotes) {
  const std::string line = R"(-A A -m comment --comment "a \"b\" \\ -j DROP" -j MARK --set-mark 1)";
  const Rule rule = only_rule(line);
  EXPECT_EQ(rule.comment, R"(a "b" \ -j DROP)");
  EXPECT_EQ(rule.text, line);
  EXPECT_TRUE(rule.mark_rule);
}

TEST(IptablesSaveReaderTest, TellsTheFamily) {
  const auto family = [](const std::string &text) {
    return kReader.read(text).chains.at(0).family;
  };
  EXPECT_EQ(family(mangle("")), Family::kIpv4);
  EXPECT_EQ(family("# Generated by ip6tables-save v1.8.9 on Monday\n" + mangle("")), Family::kIpv6);
  EXPECT_EQ(family("# Generated by ip6tables-nft-save v1.8.9\n" + mangle("")), Family::kIpv6);
  EXPECT_EQ(family(mangle("-A A -s fe80::/10 -j DROP\n")), Family::kIpv6);
  EXPECT_EQ(family(mangle("-A A -p ipv6-icmp -j DROP\n")), Family::kIpv6);
  EXPECT_EQ(family(mangle("-A A -s 10.0.0.0/8\n-A A -j REJECT --reject-with icmp6-no-route\n")),
            Family::kIpv4);
}

TEST(IptablesSaveReaderTest, TakesTheOutputOfSeveralToolsInOneFile) {
  const std::string one =
      "# Generated by iptables-save v1.8.9\n" + mangle("-A A -j MARK --set-mark 1\n");
  const Ruleset two = kReader.read(one + one);
  EXPECT_EQ(two.chains.size(), 8U);
  ASSERT_EQ(two.rules.size(), 2U);
  EXPECT_EQ(two.rules[1].number, 1U);
  EXPECT_EQ(two.rules[1].chain, 6U);
}

TEST(IptablesSaveReaderTest, GoesOnWithATableThatComesAgain) {
  const std::string one = mangle("-A A -j MARK --set-mark 1\n");
  const Ruleset twice = kReader.read(one + one);
  EXPECT_EQ(twice.chains.size(), 4U);
  ASSERT_EQ(twice.rules.size(), 2U);
  EXPECT_EQ(twice.rules[1].number, 2U);
}

TEST(IptablesSaveReaderTest, AddsOneFileToAnother) {
  Ruleset ruleset;
  kReader.add(mangle("-A A -j B\n"), ruleset);
  kReader.add(mangle("-A A -j B\n"), ruleset);
  ASSERT_EQ(ruleset.inputs.size(), 2U);
  ASSERT_EQ(ruleset.rules.size(), 2U);
  EXPECT_EQ(ruleset.rules[1].outcome.chain, 7U);
  EXPECT_EQ(ruleset.chains[7].input, 1U);
  EXPECT_EQ(ruleset.rules[1].number, 1U);
}

TEST(IptablesSaveReaderTest, TakesATextWithoutTables) {
  EXPECT_TRUE(kReader.read("").chains.empty());
  EXPECT_TRUE(kReader.read("# Warning: iptables-legacy tables present\n").chains.empty());
}

TEST(IptablesSaveReaderTest, RefusesWithFileLineAndWords) {
  EXPECT_EQ(rule_refusal("-A A -m mark --mark 0x1g -j ACCEPT"),
            "rules.v4: line 6: --mark: \"0x1g\" is not a mark, give VALUE or VALUE/MASK, each 0 to"
            " 0xffffffff");
  EXPECT_EQ(rule_refusal("-A A -j CONNMARK --set-mark 4294967296"),
            "rules.v4: line 6: CONNMARK: --set-mark: \"4294967296\" is not a mark, give VALUE or"
            " VALUE/MASK, each 0 to 0xffffffff");
  EXPECT_EQ(rule_refusal("-A A -m connmark -j ACCEPT"),
            "rules.v4: line 6: -m connmark without --mark, give VALUE or VALUE/MASK");
  EXPECT_EQ(rule_refusal("-A C -j ACCEPT"),
            "rules.v4: line 6: chain \"C\" is not declared, give :CHAIN - [0:0] before it");
  EXPECT_EQ(rule_refusal("-A A -m comment --comment \"x"),
            "rules.v4: line 6: \"-A A -m comment --comment \"x\" has a quote that is not closed");
  EXPECT_EQ(kReader.refusal("*mangle\n:A - [0:0]\n-A A -j MARK --set-mark 1\n"),
            "rules.v4: line 3: the text ends before the COMMIT of table mangle, so it is not"
            " complete");
  EXPECT_EQ(kReader.refusal("*mangle\n*nat\n"),
            "rules.v4: line 2: table \"nat\" begins before the COMMIT of table mangle");
  EXPECT_EQ(kReader.refusal("*broute\n"),
            "rules.v4: line 1: \"broute\" is not a table of iptables, give raw, mangle, nat, filter"
            " or security");
}

TEST(IptablesSaveReaderTest, RefusesForeignTexts) {
  for (const char *text :
       {"table ip mangle {\n}\n", "<!DOCTYPE html>\n", "{\"nftables\": []}\n",
        "-P PREROUTING ACCEPT\n-A PREROUTING -j ACCEPT\n", "0:\tfrom all lookup local\n",
        "COMMIT\n", ":A - [0:0]\n", "[1:2\n", "-A\n", "*mangle\n-I OUTPUT -j ACCEPT\nCOMMIT\n"}) {
    const std::string words = kReader.refusal(text);
    EXPECT_TRUE(words.starts_with("rules.v4: line ")) << text << words;
    EXPECT_NE(words.find("iptables-save"), words.npos) << text << words;
  }
}

TEST(IptablesSaveReaderTest, RefusesRubbishInWordsThatATerminalShows) {
  const std::string nul = kReader.refusal(std::string("*mangle\n:A\0 - [0:0]\nCOMMIT\n", 27));
  EXPECT_EQ(nul, "rules.v4: line 2: \":A\\x00 - [0:0]\" has a NUL byte, which no text has");
  EXPECT_EQ(kReader.refusal("\x7f"
                            "ELF\x1b[31m\n"),
            "rules.v4: line 1: \"\\x7fELF\\x1b[31m\" is not of an iptables-save text, give the text"
            " that iptables-save prints");
  const std::string longest = mangle("-A A -m comment --comment " + std::string(65000, 'x') + "\n");
  EXPECT_EQ(kReader.read(longest).chains.size(), 4U);
  const std::string longer = kReader.refusal(mangle("-A A " + std::string(66000, 'x') + "\n"));
  EXPECT_TRUE(longer.ends_with("...\" and is longer than 65536 bytes")) << longer;
  EXPECT_LT(longer.size(), 200U);
  EXPECT_TRUE(kReader.refusal(std::string(300000, 'x')).ends_with("longer than 65536 bytes"));
}

TEST(IptablesSaveReaderTest, LeavesTheRulesetAsItWasAfterARefusal) {
  Ruleset ruleset;
  kReader.add(mangle("-A A -j B\n"), ruleset);
  EXPECT_THROW(kReader.add(mangle("-A A -j B\n-A A -j MARK --set-mark x\n"), ruleset), Refusal);
  EXPECT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_EQ(ruleset.chains.size(), 4U);
  EXPECT_EQ(ruleset.rules.size(), 1U);
}

TEST(IptablesSaveReaderTest, ReadsDosLineBreaksAndAMissingLastOne) {
  const Ruleset ruleset =
      kReader.read("*mangle\r\n:A - [0:0]\r\n-A A -m mark --mark 1 -j MARK --set-mark 1\r\nCOMMIT");
  ASSERT_EQ(ruleset.rules.size(), 1U);
  EXPECT_EQ(ruleset.rules[0].text, "-A A -m mark --mark 1 -j MARK --set-mark 1");
}

TEST(IptablesSaveReaderTest, RefusesAFileThatCannotBeRead) {
  std::istringstream in;
  in.setstate(std::ios::badbit);
  Ruleset ruleset;
  EXPECT_THROW(read_iptables_save(in, "rules.v4", ruleset), Refusal);
}

// The same rules from the kernel's bytes and from iptables' text of them.
class SavedKernelTest : public testing::TestWithParam<connmark::test::Family> {};

TEST_P(SavedKernelTest, ReadsWhatTheKernelHolds) {
  const std::string save = program(GetParam(), "legacy-save");
  const std::string restore = program(GetParam(), "legacy-restore");
  if (!is_installed(save)) GTEST_SKIP() << save << " is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  std::string rules = mangle("");
  rules.erase(rules.rfind("COMMIT"));
  for (int i = 0; i < 500; ++i) {
    const std::string chain = "-A " + std::string(random.one_in(2) ? "A" : "OUTPUT");
    const std::string match = std::string(random.one_in(2) ? " -m mark" : " -m connmark") +
                              (random.one_in(3) ? " !" : "") + " --mark " +
                              std::to_string(random.mark()) + "/" + std::to_string(random.mark());
    rules += chain + (random.one_in(2) ? match : "") + (random.one_in(4) ? " -p udp" : "") +
             " -j CONNMARK " + options_for(random.operation()) + "\n" + chain + match +
             " -j MARK --set-xmark " + std::to_string(random.mark()) + "\n" +
             (random.one_in(8) ? chain + " -p tcp -g B\n" : "");
  }
  rules +=
      "-A OUTPUT -j A\n-A OUTPUT -m mark --mark 3 -m comment --comment \"a \\\"b\\\"\" -j "
      "RETURN\nCOMMIT\n";
  const CommandResult restored = run({restore}, rules);
  ASSERT_EQ(restored.status, 0) << restored.err;

  const Ruleset text = kReader.read(run({save}).out);
  Ruleset kernel;
  const Family family = GetParam() == connmark::test::Family::kIpv6 ? Family::kIpv6 : Family::kIpv4;
  ASSERT_TRUE(read_legacy_tables(family, kernel));
  ASSERT_GT(text.rules.size(), 1000U);
  ASSERT_EQ(text.rules.size(), kernel.rules.size());
  const auto key = [](const Ruleset &ruleset, const Rule &rule) {
    return std::pair(ruleset.chains[rule.chain].name, rule.number);
  };
  std::map<std::pair<std::string, std::uint64_t>, const Rule *> in_kernel;
  for (const Rule &rule : kernel.rules) in_kernel[key(kernel, rule)] = &rule;
  for (const Rule &rule : text.rules) {
    const auto found = in_kernel.find(key(text, rule));
    ASSERT_NE(found, in_kernel.end()) << rule.text;
    const Rule &same = *found->second;
    EXPECT_EQ(rule.text, same.text);
    EXPECT_EQ(rule.comment, same.comment) << rule.text;
    EXPECT_EQ(rule.mark_rule, same.mark_rule) << rule.text;
    EXPECT_EQ(rule.is_goto(), same.is_goto()) << rule.text;
    EXPECT_EQ(rule.ends_chain(), same.ends_chain()) << rule.text;
    EXPECT_EQ(rule.has_other_matches(), same.has_other_matches()) << rule.text;
    EXPECT_EQ(rule.outcome.chain == kNoChain ? "" : text.chains[rule.outcome.chain].name,
              same.outcome.chain == kNoChain ? "" : kernel.chains[same.outcome.chain].name);
    ASSERT_EQ(rule.tests.size(), same.tests.size()) << rule.text;
    for (std::size_t i = 0; i < rule.tests.size(); ++i) {
      EXPECT_EQ(rule.tests[i].mark, same.tests[i].mark) << rule.text;
      EXPECT_EQ(rule.tests[i].value, same.tests[i].value) << rule.text;
      EXPECT_EQ(rule.tests[i].mask, same.tests[i].mask) << rule.text;
      EXPECT_EQ(rule.tests[i].inverted, same.tests[i].inverted) << rule.text;
    }
    ASSERT_EQ(rule.writes.size(), same.writes.size()) << rule.text;
    for (std::size_t i = 0; i < rule.writes.size(); ++i) {
      EXPECT_EQ(rule.writes[i].mark, same.writes[i].mark) << rule.text;
      EXPECT_EQ(rule.writes[i].value, same.writes[i].value) << rule.text;
    }
  }
  for (std::size_t i = 0; i < text.chains.size(); ++i) {
    EXPECT_EQ(text.chains[i].family, family);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SavedKernelTest, testing::ValuesIn(kFamilies),
                         [](const auto &test) {
                           return test.param == connmark::test::Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace connmark::test
