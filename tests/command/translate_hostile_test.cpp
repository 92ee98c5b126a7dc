// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules of hostile texts: what translate writes of them is loaded by the nft that
// is here, and nothing may be there then but the rules that were meant.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "command/connmark_command.h"
#include "command/iptables/rule_words.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using Json = nlohmann::json;

constexpr const char *kBefore =
    "add table ip mangle\n"
    "add chain ip mangle PREROUTING { type filter hook prerouting priority -150; }\n"
    "add chain ip mangle ours\n"
    "add table inet canary\nadd chain inet canary c\nadd rule inet canary c counter accept\n";

constexpr const char *kParts[] = {"\"",
                                  "\"; flush ruleset; #",
                                  "\" drop \"",
                                  "; flush ruleset",
                                  "#",
                                  "\\",
                                  "'",
                                  " ",
                                  "{",
                                  "}",
                                  "} drop meter x {",
                                  "$x",
                                  "`id`",
                                  "\" counter jump ours comment \"",
                                  "*",
                                  "+",
                                  "!",
                                  "-j DROP",
                                  "\xc2\x9b",
                                  "\xe2\x80\xae",
                                  "\x1b[2J",
                                  "\xff",
                                  "\t",
                                  "a",
                                  "b1",
                                  "ftp",
                                  "log",
                                  "counter",
                                  ",",
                                  "\" }",
                                  "@x",
                                  "(",
                                  ")",
                                  "--comment",
                                  "r0_0",
                                  "include \"/etc/passwd\"",
                                  "0x1/0x1",
                                  ":",
                                  "/"};

class Texts {
 public:
  explicit Texts(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }

  std::string text() {
    std::string result;
    for (std::size_t i = below(5) + 1; i > 0; --i) result += kParts[below(std::size(kParts))];
    return result;
  }

  std::vector<std::string> matches() {
    std::vector<std::string> words;
    const auto add = [&words](std::vector<std::string> more) {
      words.insert(words.end(), more.begin(), more.end());
    };
    if (below(2) == 0) add({"-i", below(2) == 0 ? "et" + text() : "eth0"});
    if (below(3) == 0) add({"-p", "tcp"});
    if (below(3) == 0) add({"-s", "1.1.1.1,2.2.2.2"});
    if (below(4) == 0) add({"-m", "connlimit", "--connlimit-above", "5"});
    if (below(3) == 0) add({"-m", "helper", "--helper", text()});
    if (below(4) == 0) {
      const std::string name = below(2) == 0 ? text() : "m" + std::to_string(below(100000));
      add({"-m", "hashlimit", "--hashlimit-above", "5/sec", "--hashlimit-mode", "srcip",
           "--hashlimit-name", name});
    }
    if (below(8) == 0) add({"-m", text()});
    if (below(8) == 0) {
      // A second target, or a "!" before one, no iptables takes.
      const std::string word = text();
      add({word.starts_with('-') || word.starts_with('!') ? "--x" + word : word});
    }
    if (below(2) == 0) add({"-m", "comment", "--comment", text()});
    return words;
  }

  std::vector<std::string> rule() {
    // With the semicolon, and as words of nft, they are no names of nft.
    const std::string chains[] = {"PREROUTING", "ours", "PREROUTING", "ours", "log", text() + ";"};
    const std::string chain = chains[below(std::size(chains))];
    std::vector<std::string> words{"-A", chain};
    for (std::string &word : matches()) words.push_back(std::move(word));
    words.insert(words.end(), {"-j", "CONNMARK", "--restore-mark", "--mask", "3"});
    return words;
  }

 private:
  std::mt19937_64 random_;
};

bool is_ours(const std::string &chain) { return chain.starts_with("connmark_restore_"); }

// A rule's statements, without what looks at packets.
void expect_meant(const Json &rule) {
  const std::string chain = rule.at("chain");
  for (const Json &statement : rule.at("expr")) {
    for (const char *verdict :
         {"accept", "drop", "return", "goto", "queue", "reject", "continue"}) {
      EXPECT_FALSE(statement.contains(verdict)) << rule;
    }
    if (statement.contains("mangle")) {
      EXPECT_EQ(statement["mangle"]["key"]["meta"]["key"], "mark") << rule;
    }
    if (statement.contains("jump")) {
      EXPECT_TRUE(is_ours(statement["jump"]["target"])) << rule;
      EXPECT_FALSE(is_ours(chain)) << rule;
    }
  }
}

// How many rules stand in chains that were there before.
std::size_t expect_only_what_is_meant() {
  const Json listed = Json::parse(run({"nft", "-j", "list", "ruleset"}).out);
  std::size_t count = 0;
  std::size_t canaries = 0;
  for (const Json &each : listed.at("nftables")) {
    if (each.contains("table")) {
      const std::string name = each["table"]["name"];
      EXPECT_TRUE(name == "mangle" || name == "canary") << name;
    }
    if (each.contains("chain")) {
      const std::string name = each["chain"]["name"];
      EXPECT_TRUE(name == "PREROUTING" || name == "ours" || name == "c" || is_ours(name)) << name;
    }
    if (each.contains("rule")) {
      const Json &rule = each["rule"];
      if (rule.at("table") == "canary") {
        ++canaries;
        continue;
      }
      expect_meant(rule);
      if (!is_ours(rule.at("chain"))) ++count;
    }
  }
  EXPECT_EQ(canaries, 1U);
  return count;
}

class TranslateHostileTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
    if (!is_installed("iptables-restore-translate")) {
      GTEST_SKIP() << "iptables-restore-translate is not installed";
    }
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    ASSERT_EQ(run({"nft", "-f", "-"}, kBefore).status, 0);
  }
};

struct Translated {
  std::size_t complete = 0;
  std::size_t in_chains_of_the_input = 0;  // rules of nft
};

Translated counted(const std::string &json) {
  Translated result;
  const Json document = Json::parse(json);
  for (const Json &rule : document.at("rules")) {
    if (!rule.at("complete").get<bool>()) continue;
    ++result.complete;
    for (const auto &command : rule.at("nft").get<std::vector<std::string>>()) {
      if (command.starts_with("add rule ip mangle PREROUTING ") ||
          command.starts_with("add rule ip mangle ours ")) {
        ++result.in_chains_of_the_input;
      }
    }
  }
  return result;
}

TEST_F(TranslateHostileTest, NothingIsThereButTheRulesThatWereMeant) {
  // One load takes no more.
  constexpr std::size_t kRules = 100;
  constexpr int kLoads = 12;
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  Texts texts(random_seed());
  std::size_t complete = 0;
  for (int load = 0; load < kLoads; ++load) {
    std::string chains = "*mangle\n:PREROUTING ACCEPT [0:0]\n:ours - [0:0]\n";
    std::string rules;
    for (std::size_t i = 0; i < kRules; ++i) {
      const std::vector<std::string> rule = texts.rule();
      chains += ":" + rule_line({rule[1]}) + " - [0:0]\n";
      rules += rule_line(rule) + "\n";
    }
    const std::string input = chains + rules + "COMMIT\n";
    const CommandResult json =
        run_connmark({"translate", "--json", "--nft-version", "1.0.6"}, input);
    ASSERT_LE(json.status, 1) << json.err;
    const Translated translated = counted(json.out);
    complete += translated.complete;

    const CommandResult text = run_connmark({"translate", "--nft-version", "1.0.6"}, input);
    const CommandResult loaded =
        run({"nft", "-f", "-"}, std::string("flush ruleset\n") + kBefore + text.out);
    ASSERT_EQ(loaded.status, 0) << loaded.err << text.out;
    EXPECT_EQ(expect_only_what_is_meant(), translated.in_chains_of_the_input);
    for (const char c : text.out) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
  // Neither all nor none.
  EXPECT_GT(complete, kLoads * kRules / 10);
  EXPECT_LT(complete, kLoads * kRules * 9 / 10);
}

// A rule on the command line can hold line ends as well.
TEST_F(TranslateHostileTest, NoWordOfTheCommandLineIsACommand) {
  const std::string hostile = "x\nflush ruleset\nadd table ip pwned\n#";
  const std::vector<std::vector<std::string>> rules = {
      {"-t", "mangle\nflush ruleset", "-A", "PREROUTING", "-j", "MARK", "--set-mark", "1"},
      {"-t", "mangle", "-A", hostile, "-j", "MARK", "--set-mark", "1"},
      {"-t", "mangle", "-A", "PREROUTING", "-m", "comment", "--comment", hostile, "-j", "MARK",
       "--set-mark", "1"},
      {"-t", "mangle", "-A", "PREROUTING", "-i", hostile, "-j", "MARK", "--set-mark", "1"}};
  for (std::vector<std::string> words : rules) {
    words.insert(words.begin(), "translate");
    const CommandResult result = run_connmark(words);
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_EQ(result.out.find("\nflush"), std::string::npos) << result.out;
    const CommandResult loaded = run({"nft", "-f", "-"}, result.out);
    EXPECT_EQ(loaded.status, 0) << loaded.err;
  }
  EXPECT_EQ(expect_only_what_is_meant(), 0U);
}

// Each is loaded before the next is translated.
TEST_F(TranslateHostileTest, RulesTranslatedOneByOneDoNotMeet) {
  const std::vector<std::string> rules = {
      "-p udp -m connlimit --connlimit-above 5 -j CONNMARK --restore-mark --mask 1",
      "-p tcp -m connlimit --connlimit-above 7 -j CONNMARK --restore-mark --mask 2",
      "-p icmp -j CONNMARK --restore-mark --mask 1"};
  for (const std::string &rule : rules) {
    const CommandResult result =
        run_connmark({"translate", "--nft-version", "1.0.6", "-t mangle -A PREROUTING " + rule});
    ASSERT_EQ(result.status, 0) << result.err;
    const CommandResult loaded = run({"nft", "-f", "-"}, result.out);
    ASSERT_EQ(loaded.status, 0) << loaded.err << result.out;
  }
  std::multiset<std::string> bodies;
  std::set<std::string> sets;
  const Json listed = Json::parse(run({"nft", "-j", "list", "ruleset"}).out);
  for (const Json &each : listed.at("nftables")) {
    if (each.contains("set")) sets.insert(each["set"]["name"]);
    if (each.contains("rule")) bodies.insert(each["rule"]["chain"].get<std::string>());
  }
  EXPECT_EQ(sets.size(), 2U);
  EXPECT_EQ(bodies.count("PREROUTING"), 3U);
  EXPECT_EQ(bodies.count("connmark_restore_1_1"), 2U);
  EXPECT_EQ(bodies.count("connmark_restore_2_2"), 2U);
}

}  // namespace
}  // namespace connmark::test
