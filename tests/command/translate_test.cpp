// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

using Json = nlohmann::json;

CommandResult translate(std::vector<std::string> words, const std::string &input = "") {
  words.insert(words.begin(), "translate");
  return run_connmark(words, input);
}

// iptables-restore-translate writes the matches.
bool matches_can_be_translated() { return is_installed("iptables-restore-translate"); }

constexpr const char *kNoTranslator = "iptables-restore-translate is not installed";

TEST(TranslateTest, WritesOptionsAsStatements) {
  EXPECT_EQ(translate({"--nft-version", "1.1.2", "--save-mark", "--mask", "3"}).out,
            "# for nft 1.1.2\n"
            "# --save-mark --mask 3\n"
            "ct mark set ct mark and 0xfffffffc or meta mark and 0x3\n");
  EXPECT_EQ(translate({"--nft-version", "1.0.6", "--save-mark --mask 2"}).out,
            "# for nft 1.0.6\n"
            "# --save-mark --mask 2\n"
            "ct mark set ct mark and 0xfffffffd\n"
            "meta mark and 0x2 == 0x2 ct mark set ct mark or 0x2\n");
}

TEST(TranslateTest, WritesRulesOfASavedTable) {
  const CommandResult result =
      translate({"--nft-version", "1.0.6"},
                "*mangle\n:PREROUTING ACCEPT [0:0]\n:connmark_1 - [0:0]\n"
                "-A PREROUTING -j CONNMARK --restore-mark --nfmask 1 --ctmask 1\n"
                "-A PREROUTING -j ACCEPT\n"
                "[5:6] -A connmark_1 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n");
  EXPECT_EQ(result.out,
            "# for nft 1.0.6\n"
            "# -A PREROUTING -j CONNMARK --restore-mark --nfmask 1 --ctmask 1\n"
            "add rule ip mangle PREROUTING counter ct state established,related,new "
            "meta mark set meta mark and 0xfffffffe\n"
            "add rule ip mangle PREROUTING ct mark and 0x1 == 0x1 "
            "meta mark set meta mark or 0x1\n"
            "# -A connmark_1 -j MARK --set-xmark 0x1/0xffffffff\n"
            "add rule ip mangle connmark_1 counter meta mark set 0x1\n");
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST(TranslateTest, LooksAtMatchesOnceInFrontOfAChain) {
  if (!matches_can_be_translated()) GTEST_SKIP() << kNoTranslator;
  const CommandResult result =
      translate({"--nft-version", "1.0.6"},
                "*mangle\n:connmark_1 - [0:0]\n"
                "-A PREROUTING -i wan2 -m connmark --mark 0x1/0x1 -m comment --comment \"a b\" "
                "-j CONNMARK --save-mark --nfmask 1 --ctmask 1\n"
                "-A PREROUTING -s 10.0.0.0/8 -j MARK --set-xmark 0x16/0x12\nCOMMIT\n");
  EXPECT_EQ(result.out,
            "# for nft 1.0.6\n"
            "# -A PREROUTING -i wan2 -m connmark --mark 0x1/0x1 -m comment --comment \"a b\" "
            "-j CONNMARK --save-mark --nfmask 1 --ctmask 1\n"
            "add chain ip mangle connmark_2\n"
            "add rule ip mangle connmark_2 ct mark set ct mark and 0xfffffffe\n"
            "add rule ip mangle connmark_2 meta mark and 0x1 == 0x1 ct mark set ct mark or 0x1\n"
            "add rule ip mangle PREROUTING iifname \"wan2\" ct mark and 0x1 == 0x1 "
            "counter jump connmark_2 comment \"a b\"\n"
            "# -A PREROUTING -s 10.0.0.0/8 -j MARK --set-xmark 0x16/0x12\n"
            "add rule ip mangle PREROUTING ip saddr 10.0.0.0/8 counter "
            "meta mark set meta mark and 0xffffffed xor 0x16\n");
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST(TranslateTest, LeavesMatchesThatNftLacksAsAComment) {
  const CommandResult result =
      translate({"--nft-version", "1.0.6"},
                "*mangle\n-A OUTPUT -m u32 --u32 0=0 -j CONNMARK --set-mark 1\n"
                "-A OUTPUT -m nosuchmatch -j MARK --set-mark 2\n"
                "-A OUTPUT -o lo -j MARK --set-mark 3\nCOMMIT\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out.find("# for nft 1.0.6\n"
                            "# -A OUTPUT -m u32 --u32 0=0 -j CONNMARK --set-mark 1\n"
                            "# not translated: its matches; for what they select:\n"
                            "#   ct mark set 0x1\n"
                            "# -A OUTPUT -m nosuchmatch -j MARK --set-mark 2\n"
                            "# not translated: its matches; for what they select:\n"
                            "#   meta mark set 0x2\n"),
            0U)
      << result.out;
  if (!matches_can_be_translated()) GTEST_SKIP() << kNoTranslator;
  EXPECT_NE(result.out.find("add rule ip mangle OUTPUT oifname \"lo\" counter "
                            "meta mark set 0x3\n"),
            std::string::npos)
      << result.out;
}

TEST(TranslateTest, TakesAWholeCommandLine) {
  if (!matches_can_be_translated()) GTEST_SKIP() << kNoTranslator;
  EXPECT_EQ(translate({"--nft-version", "1.0.6",
                       "ip6tables -t mangle -A OUTPUT -o lo -j MARK --or-mark 2"})
                .out,
            "# for nft 1.0.6\n"
            "# -A OUTPUT -o lo -j MARK --or-mark 2\n"
            "add rule ip6 mangle OUTPUT oifname \"lo\" counter meta mark set meta mark or 0x2\n");
}

TEST(TranslateTest, WritesIpv6ForIp6tablesSave) {
  const std::string rules = "*mangle\n-A OUTPUT -j MARK --set-mark 1\nCOMMIT\n";
  const std::string expected = "add rule ip6 mangle OUTPUT counter meta mark set 0x1\n";
  EXPECT_NE(translate({}, "# Generated by ip6tables-save v1.8.9\n" + rules).out.find(expected),
            std::string::npos);
  EXPECT_NE(translate({"--ipv6"}, rules).out.find(expected), std::string::npos);
  EXPECT_EQ(translate({}, rules).out.find(expected), std::string::npos);
}

TEST(TranslateTest, PrintsJson) {
  const CommandResult result = translate({"--json", "--nft-version", "1.0.6"},
                                         "*mangle\n-A OUTPUT -j MARK --set-mark 1\nCOMMIT\n");
  EXPECT_EQ(Json::parse(result.out), Json::parse(R"({
    "schema_version": 1, "command": "translate", "nft": "1.0.6", "rules": [{
      "line": 2, "table": "mangle", "chain": "OUTPUT", "rule": "-A OUTPUT -j MARK --set-mark 1",
      "complete": true, "nft": ["add rule ip mangle OUTPUT counter meta mark set 0x1"],
      "warnings": []}]})"));
}

TEST(TranslateTest, NamesTheLineThatItRefuses) {
  const CommandResult result =
      translate({}, "*mangle\n-A OUTPUT -j ACCEPT\n-A OUTPUT -j MARK --set-mark 0xfg\nCOMMIT\n");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "connmark: line 3: MARK: --set-mark: \"0xfg\" is not a mark, give VALUE or "
            "VALUE/MASK, each 0 to 0xffffffff\n");
}

TEST(TranslateTest, RefusesInputThatIsNoSavedTable) {
  const CommandResult result = translate({}, "table ip mangle {\n");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err,
            "connmark: standard input: line 1: \"table ip mangle {\" is not of an iptables-save"
            " text, give the text that iptables-save prints\n");
}

}  // namespace
}  // namespace connmark::test
