// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_syntax.h"

#include <gtest/gtest.h>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

struct Parsed {
  explicit Parsed(const std::string &line, const RuleContext &context = {}) : text(line) {
    EXPECT_TRUE(split_words(text, words, unquoted));
    read_rule_syntax(words, context, syntax);
  }

  std::string in_order() const {
    const OrderedWords ordered = words_in_order(syntax);
    std::string line = rule_line(ordered.matches);
    if (!ordered.target.empty()) line += " " + rule_line(ordered.target);
    return line;
  }

  std::string text;
  std::vector<Word> words;
  std::string unquoted;
  RuleSyntax syntax;
};

TEST(RuleSyntaxTest, PutsPartsIntoTheOrderOfIptablesSave) {
  const struct {
    const char *line;
    const char *in_order;
  } cases[] = {
      {"-j CONNMARK --set-mark 1 -A OUTPUT -w", "-A OUTPUT -j CONNMARK --set-mark 1"},
      {"-p tcp --dport 80 -A A ! -i lo -j B", "-A A -p tcp ! -i lo -m tcp --dport 80 -j B"},
      {"-A A -s ! 10.0.0.1 -g B", "-A A ! -s 10.0.0.1 -g B"},
      {"-vnA A -fjB", "-A A -f -j B"},
      {"--append A --sour 1.1.1.1 --ju MARK --set-m=1", "-A A -s 1.1.1.1 -j MARK --set-mark 1"},
      {"-I A 3 -w 5 -W -c 1 2 -j B", "-I A 3 -j B"},
      {"-A A -m tcp -p tcp --tcp-flags FIN,SYN SYN -j B",
       "-A A -p tcp -m tcp --tcp-flags FIN,SYN SYN -j B"},
      {"-A A -m mark -m connmark --mark 1 -j B", "-A A -m mark -m connmark --mark 1 -j B"},
      {"-A A -j MARK --set-mark -1 -- ", "-A A -j MARK --set-mark -1"},
  };
  for (const auto &each : cases) {
    const Parsed parsed(each.line);
    EXPECT_TRUE(parsed.syntax.is_whole()) << each.line << ": " << fault_text(parsed.syntax);
    EXPECT_EQ(parsed.in_order(), each.in_order) << each.line;
  }
}

TEST(RuleSyntaxTest, SaysWhatIsWrong) {
  const struct {
    const char *line;
    RuleFault fault;
    const char *word;
  } cases[] = {
      {"-A A -m nosuch", RuleFault::kUnknownMatch, "nosuch"},
      {"-A A -m a/../b", RuleFault::kUnknownMatch, "a/../b"},
      {"-A A --frob", RuleFault::kUnknownOption, "--frob"},
      {"-A A -Q", RuleFault::kUnknownOption, "-Q"},
      {"-A A --dport 80 -p tcp", RuleFault::kUnknownOption, "--dport"},
      {"-A A -p udp -m udp --dest 1", RuleFault::kUnknownOption, "--dest"},
      {"-A A -i lo eth0", RuleFault::kStrayWord, "eth0"},
      {"-A A -- -j B", RuleFault::kStrayWord, "-j"},
      {"-A A -i", RuleFault::kNoValue, "-i"},
      {"-A A -m mark --mark", RuleFault::kNoValue, "mark"},
      {"-A A -j B -g C", RuleFault::kGivenTwice, "-g"},
      {"-A A -s 1.1.1.1 --src 1.1.1.2", RuleFault::kGivenTwice, "-s"},
      {"-A A -D B", RuleFault::kGivenTwice, "-D"},
      {"-A A ! -j B", RuleFault::kInversion, "!"},
      {"-A A ! ! -i lo", RuleFault::kInversion, "!"},
      {"-A A -i lo !", RuleFault::kInversion, "!"},
  };
  for (const auto &each : cases) {
    const Parsed parsed(each.line);
    EXPECT_EQ(parsed.syntax.fault, each.fault) << each.line << ": " << fault_text(parsed.syntax);
    EXPECT_EQ(parsed.syntax.fault_word, each.word) << each.line;
    EXPECT_FALSE(fault_text(parsed.syntax).empty()) << each.line;
  }
}

TEST(RuleSyntaxTest, LoadsNoPluginByTheNameOfAChain) {
  RuleContext context;
  context.is_chain = [](std::string_view name) { return name == "LOG"; };
  const Parsed chain("-A A -j LOG", context);
  EXPECT_EQ(chain.syntax.target_part()->known, nullptr);
  EXPECT_FALSE(Parsed("-A A -j LOG --log-prefix x", context).syntax.is_whole());
}

TEST(ExtensionOptionsTest, ChecksNamesBeforeAPluginIsLoadedByThem) {
  for (const char *name : {"", "../x", "a b", "a.so", "\x1b", "a23456789012345678901234567890"}) {
    EXPECT_FALSE(is_extension_name(name)) << name;
    EXPECT_EQ(extension_options(ExtensionKind::kMatch, name, Family::kIpv4), nullptr) << name;
  }
  EXPECT_TRUE(is_extension_name("a2345678901234567890123456_8"));
}

TEST(ExtensionOptionsTest, KnowsEveryExtensionOfBothFamilies) {
  const auto takes = [](ExtensionKind kind, const char *name, const char *wanted) {
    const ExtensionOptions *const options = extension_options(kind, name, Family::kIpv4);
    if (options == nullptr) return -1;
    for (const ExtensionOption &each : *options) {
      if (each.name == wanted) return each.takes_argument ? 1 : 0;
    }
    return -2;
  };
  if (takes(ExtensionKind::kMatch, "helper", "helper") < 0) GTEST_SKIP() << "no iptables here";
  EXPECT_EQ(takes(ExtensionKind::kMatch, "recent", "update"), 0);
  EXPECT_EQ(takes(ExtensionKind::kMatch, "recent", "name"), 1);
  EXPECT_EQ(takes(ExtensionKind::kMatch, "tcp", "syn"), 0);
  EXPECT_EQ(takes(ExtensionKind::kMatch, "icmp6", "icmpv6-type"), 1);
  EXPECT_EQ(takes(ExtensionKind::kTarget, "DNPT", "src-pfx"), 1);
  EXPECT_EQ(takes(ExtensionKind::kTarget, "LOG", "log-prefix"), 1);
  EXPECT_EQ(takes(ExtensionKind::kTarget, "CONNMARK", "set-mark"), 1);
  EXPECT_EQ(takes(ExtensionKind::kTarget, "MARK", "save-mark"), -2);
  EXPECT_EQ(takes(ExtensionKind::kTarget, "ACCEPT", "x"), -2);
}

// Where no plugin is installed, and where a plugin is none.
TEST(ExtensionOptionsTest, GoesOnWithoutPlugins) {
  const std::string rules =
      "*mangle\n:A - [0:0]\n-A A -p tcp -m tcp --dport 1 -m conntrack --ctstate NEW -j MARK "
      "--set-mark 1\n-A A -m helper --helper -j -j MARK --set-mark 2\nCOMMIT\n";
  const CommandResult result = run_connmark({"audit", "--owners", owners_file(), "--iptables", "-"},
                                            rules, {"XTABLES_LIBDIR=/nonexistent"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out.find("iptables here has no match of that name"),
            result.out.rfind("iptables here has no match of that name"));
  EXPECT_NE(result.out.find("-m \"helper\": iptables here has no match"), std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace connmark::test
