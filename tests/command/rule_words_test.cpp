// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_words.h"

#include <gtest/gtest.h>

#include "command/refusal.h"

namespace connmark::test {
namespace {

using Words = std::vector<std::string>;

TEST(RuleWordsTest, SplitsAtBlanks) {
  EXPECT_EQ(rule_words("  -A\tOUTPUT   -j MARK\n"), (Words{"-A", "OUTPUT", "-j", "MARK"}));
  EXPECT_TRUE(rule_words("").empty());
}

TEST(RuleWordsTest, KeepsQuotedPartsTogether) {
  EXPECT_EQ(rule_words(R"(--comment "a \"b\" \\ c" d"e f")"),
            (Words{"--comment", R"(a "b" \ c)", "de f"}));
  EXPECT_EQ(rule_words(R"("")"), Words{""});
}

TEST(RuleWordsTest, RefusesAnOpenQuote) { EXPECT_THROW(rule_words("--comment \"a"), Refusal); }

TEST(RuleWordsTest, WritesALineThatIsReadBack) {
  const Words words{"-A", "a b", "", "\"", "\\", "c\td", "plain"};
  EXPECT_EQ(rule_words(rule_line(words)), words);
}

}  // namespace
}  // namespace connmark::test
