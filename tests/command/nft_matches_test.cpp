// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables-restore-translate answers, and what is taken of it.
#include "command/nft/nft_matches.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "command/iptables/rule_words.h"
#include "command/nft/translator_answer.h"
#include "support/command.h"

namespace connmark::test {
namespace {

Matches matches(const std::string &line) { return {false, "mangle", rule_words(line)}; }

// What is taken of an answer for a rule of these words.
std::string taken(const std::string &words, const std::string &answer,
                  const std::string &behind = "") {
  NftMatches result;
  if (!add_rule(answer, behind, rule_words(words), result)) return "refused";
  return to_string(result.rules.at(0));
}

TEST(TranslatorAnswerTest, TakesStringsThatAreWordsOfTheRule) {
  EXPECT_EQ(taken("-i eth0 -m helper --helper ftp", "iifname \"eth0\" ct helper \"ftp\" "),
            "iifname \"eth0\" ct helper \"ftp\"");
  EXPECT_EQ(taken("-i 'a;b#'", "iifname \"'a;b#'\" "), "iifname \"'a;b#'\"");
  EXPECT_EQ(taken("-i et+", "iifname \"et*\" "), "iifname \"et*\"");
  EXPECT_EQ(taken("-m time --timestart 1:00", "meta hour \"01:00:00\"-\"23:59:59\" "),
            "meta hour \"01:00:00\"-\"23:59:59\"");
}

TEST(TranslatorAnswerTest, RefusesStringsThatMeanSomethingElse) {
  EXPECT_EQ(taken("-i et*", "iifname \"et*\" "), "refused");
  EXPECT_EQ(taken("-i \"et\\\\+\"", "iifname \"et\\*\" "), "refused");
  EXPECT_EQ(taken("-i ft+ -m helper --helper ft*", "iifname \"ft*\" ct helper \"ft*\" "),
            "refused");
  EXPECT_EQ(taken("-m helper --helper \"\"", "ct helper \"\" "), "refused");
  EXPECT_EQ(taken("-m helper --helper sixteen-letters1", "ct helper \"sixteen-letters1\" "),
            "refused");
  EXPECT_EQ(taken("-i eth0", "iifname \"eth1$\" "), "refused");
}

TEST(TranslatorAnswerTest, RefusesWordsThatEndTheirString) {
  EXPECT_EQ(taken("-m helper --helper \"x\\\" drop \\\"y\"", "ct helper \"x\" drop \"y\" "),
            "refused");
  EXPECT_EQ(taken("-m helper --helper \"x\\\" tcp dport 1 iifname \\\"y\"",
                  "ct helper \"x\" tcp dport 1 iifname \"y\" "),
            "refused");
  EXPECT_EQ(taken("-m helper --helper \"x\\\"; flush ruleset; #\"",
                  "ct helper \"x\"; flush ruleset; #\" "),
            "refused");
}

TEST(TranslatorAnswerTest, RefusesTextsOutsideOfStrings) {
  EXPECT_EQ(
      taken("--name \"a { ip saddr } meter b\"", "meter a { ip saddr } meter b { ip saddr } "),
      "refused");
  // Once as a string, and once more.
  EXPECT_EQ(taken("--helper \"a b\" --name \"a b\"", "ct helper \"a b\" foo a b "), "refused");
  EXPECT_EQ(taken("--name drop", "meter drop { ip saddr } "), "refused");
  EXPECT_EQ(taken("--name a,b", "meter a,b { ip saddr } "), "refused");
  EXPECT_EQ(taken("--match-set a/1 src", "ip saddr @1a "), "refused");
  EXPECT_EQ(taken("-p tcp", "ip protocol tcp drop "), "refused");
}

TEST(TranslatorAnswerTest, TakesAnyCommentBehindTheTarget) {
  EXPECT_EQ(taken("-p tcp --comment \"a\\\"; b #\"", "ip protocol tcp ", " comment \"a\"; b #\""),
            "ip protocol tcp");
  EXPECT_EQ(taken("-p tcp --comment \"a\\\"; b #\"", "ip protocol tcp "), "refused");
  EXPECT_EQ(taken("-p tcp", "ip protocol tcp ", " drop"), "refused");
  EXPECT_EQ(taken("-p tcp", "ip protocol tcp ", " comment \""), "refused");
}

TEST(TranslatorAnswerTest, AsksNothingThatStartsAProgramOrEndsALine) {
  for (const char *word : {"--modprobe=/tmp/x", "--modp", "-M/tmp/x", "-vM", "a\nb", "a\rb"}) {
    EXPECT_FALSE(can_be_asked({"-p", "tcp", word})) << word;
  }
  for (const char *word : {"--mode", "--set-mark", "- a Mark", "M", "--Mo", "a\tb"}) {
    EXPECT_TRUE(can_be_asked({"-p", "tcp", word})) << word;
  }
  EXPECT_FALSE(can_be_asked({std::string(4000, 'a')}));
}

TEST(TranslatorAnswerTest, ReadsSets) {
  EXPECT_EQ(to_string(read_set("x { type ipv4_addr; flags dynamic; }").value().definition),
            "{ type ipv4_addr; flags dynamic; }");
  for (const char *line : {"x { type ipv4_addr; }; flush ruleset", "x { a; } { b; }", "log { a; }",
                           "\"x\" { a; }", "x", "x a", "x { a; } drop"}) {
    EXPECT_FALSE(read_set(line)) << line;
  }
}

class NftMatchesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("iptables-restore-translate")) {
      GTEST_SKIP() << "iptables-restore-translate is not installed";
    }
  }
};

std::string rules_text(const NftMatches &answer) {
  std::string text = answer.reason.empty() ? "" : "not: " + answer.reason;
  for (const NftTokens &rule : answer.rules) text += to_string(rule) + "\n";
  return text;
}

TEST_F(NftMatchesTest, WritesARuleForEachAddress) {
  EXPECT_EQ(rules_text(nft_matches({matches("-s 1.1.1.1,2.2.2.2")}).at(0)),
            "ip saddr 1.1.1.1\nip saddr 2.2.2.2\n");
}

TEST_F(NftMatchesTest, NoRuleSpoilsAnother) {
  const std::vector<std::string> bad = {"-m nosuchmatch",
                                        "-p tcp -h",
                                        "-m u32 --u32 0=0",
                                        "-m comment --comment \"a\nb\"",
                                        "--modprobe=x",
                                        "-m helper --helper \"counter jump r0_0\"",
                                        "-p"};
  std::vector<Matches> asked;
  for (const std::string &each : bad) {
    asked.push_back(matches("-p udp"));
    asked.push_back(matches(each));
  }
  asked.push_back({true, "raw", rule_words("-s fe80::1")});
  asked.push_back({false, "raw", {}});
  const std::vector<NftMatches> answers = nft_matches(asked);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(rules_text(answers[2 * i]), "ip protocol udp\n");
    EXPECT_EQ(rules_text(answers[2 * i + 1]), "not: its matches") << bad[i];
  }
  EXPECT_EQ(rules_text(answers[2 * bad.size()]), "ip6 saddr fe80::1\n");
  EXPECT_EQ(rules_text(answers.back()), "\n");
}

// Page faults of the programs that were started: they tell how many there were.
long faults_of(const std::vector<Matches> &asked) {
  const auto now = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_minflt;
  };
  const long before = now();
  nft_matches(asked);
  return now() - before;
}

TEST_F(NftMatchesTest, OneUnreadableRuleCostsOneMoreStart) {
  std::vector<Matches> asked(400, matches("-p tcp"));
  const long all_readable = faults_of(asked);
  asked[200] = matches("-m nosuchmatch");
  EXPECT_LT(faults_of(asked), 4 * all_readable);
}

}  // namespace
}  // namespace connmark::test
