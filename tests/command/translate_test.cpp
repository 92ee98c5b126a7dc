// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
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
                "*mangle\n:connmark_save_1_1 - [0:0]\n"
                "-A PREROUTING -i wan2 -m connmark --mark 0x1/0x1 -m comment --comment \"a b\" "
                "-j CONNMARK --save-mark --nfmask 1 --ctmask 1\n"
                "-A PREROUTING -s 10.0.0.0/8 -j MARK --set-xmark 0x16/0x12\nCOMMIT\n");
  EXPECT_EQ(result.out,
            "# for nft 1.0.6\n"
            "# -A PREROUTING -i wan2 -m connmark --mark 0x1/0x1 -m comment --comment \"a b\" "
            "-j CONNMARK --save-mark --nfmask 1 --ctmask 1\n"
            "add chain ip mangle connmark_save_1_1_\n"
            "flush chain ip mangle connmark_save_1_1_\n"
            "add rule ip mangle connmark_save_1_1_ ct mark set ct mark and 0xfffffffe\n"
            "add rule ip mangle connmark_save_1_1_ meta mark and 0x1 == 0x1 "
            "ct mark set ct mark or 0x1\n"
            "add rule ip mangle PREROUTING iifname \"wan2\" ct mark and 0x1 == 0x1 "
            "counter jump connmark_save_1_1_ comment \"a b\"\n"
            "# -A PREROUTING -s 10.0.0.0/8 -j MARK --set-xmark 0x16/0x12\n"
            "add rule ip mangle PREROUTING ip saddr 10.0.0.0/8 counter "
            "meta mark set meta mark and 0xffffffed xor 0x16\n");
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST(TranslateTest, LeavesMatchesThatNftLacksAsAComment) {
  if (!matches_can_be_translated()) GTEST_SKIP() << kNoTranslator;
  const CommandResult result =
      translate({"--nft-version", "1.0.6"},
                "*mangle\n-A OUTPUT -m u32 --u32 0=0 -j CONNMARK --set-mark 1\n"
                "-A OUTPUT -m nosuchmatch -j MARK --set-mark 2\n"
                "-A OUTPUT -o lo -j MARK --set-mark 3\nCOMMIT\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out.find("# for nft 1.0.6\n"
                            "# -A OUTPUT -m u32 --u32 0=0 -j CONNMARK --set-mark 1\n"
                            "# not translated: its matches; the packets get:\n"
                            "#   ct mark set 0x1\n"
                            "# -A OUTPUT -m nosuchmatch -j MARK --set-mark 2\n"
                            "# not translated: its matches; the packets get:\n"
                            "#   meta mark set 0x2\n"),
            0U)
      << result.out;
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
      "complete": true, "reason": null, "nft": ["add rule ip mangle OUTPUT counter meta mark set 0x1"],
      "warnings": []}]})"));
}

// "nft 'add rule ip ...'" as iptables-translate prints it, without the nft.
std::string without_program(std::string line) {
  for (const char *front : {"nft ", "'"}) {
    if (line.starts_with(front)) line.erase(0, std::string(front).size());
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\'' || line.back() == ' ')) {
    line.pop_back();
  }
  return line;
}

TEST(TranslateTest, TakesEveryOrderThatIptablesTakesAndSaysTheSame) {
  if (!is_installed("iptables-translate")) GTEST_SKIP() << "iptables-translate is not installed";
  const std::vector<std::vector<std::string>> rules = {
      {"-j MARK --set-mark 2", "-A OUTPUT", "-t mangle", "-w"},
      {"-j CONNMARK --set-mark 2", "-A OUTPUT", "-o lo", "--wait 5"},
      {"--jump=CONNMARK --save-mark", "--append OUTPUT", "-p tcp --dport 80", "-v"},
      {"-jMARK --or-mark 2", "-AOUTPUT", "-m mark ! --mark 1", "! -o lo"},
  };
  int taken = 0;
  for (std::vector<std::string> parts : rules) {
    std::ranges::sort(parts);
    do {
      std::string line;
      for (const std::string &part : parts) line += (line.empty() ? "" : " ") + part;
      std::vector<std::string> reference{"iptables-translate"};
      for (const std::string &word : words(line)) reference.push_back(word);
      const CommandResult theirs = run(reference);
      const CommandResult ours = translate({"--nft-version", "1.1.2", line});
      if (theirs.status != 0) {
        // It refuses some that iptables itself takes, as --jump=CONNMARK.
        EXPECT_EQ(lines(ours.err).size(), ours.status == 2 ? 1U : 0U) << line;
        EXPECT_EQ(lines(ours.out).size(), ours.status == 2 ? 0U : 3U) << line;
        continue;
      }
      ++taken;
      EXPECT_EQ(ours.status, 0) << line << ours.err;
      EXPECT_EQ(lines(ours.out).size(), 3U) << line << ours.out;
      EXPECT_EQ(lines(ours.out).back(), without_program(theirs.out)) << line;
    } while (std::ranges::next_permutation(parts).found);
  }
  EXPECT_GT(taken, 40);
}

TEST(TranslateTest, RefusesByNameWhatItDoesNotTranslate) {
  const struct {
    const char *line;
    const char *named;
  } cases[] = {
      {"-I OUTPUT -j MARK --set-mark 1", "-I"},
      {"-j MARK --set-mark 1 -R OUTPUT 2", "-R"},
      {"-D OUTPUT -j MARK --set-mark 1", "-D"},
      {"-C OUTPUT -j MARK --set-mark 1", "-C"},
      {"-A OUTPUT -L -j MARK --set-mark 1", "given twice"},
      {"-A OUTPUT -j MARK --set-mark 1 -A INPUT", "given twice"},
      {"-A OUTPUT -j ACCEPT", "ACCEPT"},
      {"-A OUTPUT -j MARK --set-mark 1 --frob", "--frob"},
      {"-A OUTPUT -j MARK --set-mark 1 frob", "frob"},
      {"-A OUTPUT -i", "-i"},
  };
  for (const auto &each : cases) {
    const CommandResult result = translate({each.line});
    EXPECT_EQ(result.status, 2) << each.line << result.out;
    EXPECT_EQ(result.out, "") << each.line;
    EXPECT_NE(result.err.find(each.named), std::string::npos) << each.line << result.err;
  }
}

TEST(TranslateTest, NeverAnswersNothing) {
  EXPECT_EQ(translate({}, "").status, 2);
  EXPECT_EQ(translate({}, "*mangle\n-A OUTPUT -j MARK --set-mark 1\n").status, 2);
  const std::string nul(1, '\0');
  EXPECT_EQ(translate({}, "*mangle\n-A OUTPUT -j MARK --set-mark 1" + nul + "\nCOMMIT\n").status,
            2);
  const CommandResult none =
      translate({"--nft-version", "1.0.6"}, "*mangle\n-A OUTPUT -j ACCEPT\nCOMMIT\n");
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.out, "# for nft 1.0.6\n# no rule of CONNMARK or MARK\n");
}

TEST(TranslateTest, KnowsTheFamilyOfEachDumpInOneText) {
  const std::string table =
      "*mangle\n:OUTPUT ACCEPT\n-A OUTPUT -o lo -j MARK --set-mark 1\nCOMMIT\n";
  const std::string both = translate({}, "# Generated by iptables-save v1.8.9\n" + table +
                                             "# Generated by ip6tables-save v1.8.9\n" + table)
                               .out;
  if (!matches_can_be_translated()) GTEST_SKIP() << kNoTranslator;
  EXPECT_NE(both.find("\nadd rule ip mangle OUTPUT oifname"), std::string::npos) << both;
  EXPECT_NE(both.find("\nadd rule ip6 mangle OUTPUT oifname"), std::string::npos) << both;
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
