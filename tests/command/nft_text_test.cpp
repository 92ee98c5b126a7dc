// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/nft_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

std::string split(std::string_view text) {
  const auto tokens = nft_tokens(text);
  return tokens ? to_string(*tokens) : "refused";
}

TEST(NftNameTest, TakesWhatNftReadsAsAName) {
  for (const char *name : {"a", "PREROUTING", "_x", ".x", "ts-forward", "KUBE-SVC-2.3/x", "A1"}) {
    EXPECT_EQ(NftName::of(name).value().text(), name);
  }
}

TEST(NftNameTest, TakesNothingElse) {
  for (const char *name : {"", "1a", "-a", "/a", "a b", "a;b", "a\nb", "a{", "a#", "a\"b", "a:b",
                           "a$b", "a*", "\xc3\xa9", "log", "counter", "ip", "tunnel", "accept"}) {
    EXPECT_FALSE(NftName::of(name)) << name;
  }
  EXPECT_FALSE(NftName::of(std::string("a\0b", 3)));
  EXPECT_FALSE(NftName::of(std::string(256, 'a')));
}

// All names of up to three letters, so that the list of nft's words lacks none
// of them, and those that only look like its words.
TEST(NftNameTest, NftTakesTheNames) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  std::vector<std::string> names{"connmark_restore_ff_ff_left_4", "a/b", "set1", "log-x", "Drop"};
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  for (const char a : letters) {
    names.push_back({a});
    for (const char b : letters) {
      names.push_back({a, b});
      for (const char c : letters) names.push_back({a, b, c});
    }
  }
  constexpr std::size_t kNamesInOneLoad = 2000;
  for (std::size_t from = 0; from < names.size(); from += kNamesInOneLoad) {
    std::string text = "add table ip mangle\n";
    for (std::size_t i = from; i < std::min(names.size(), from + kNamesInOneLoad); ++i) {
      if (NftName::of(names[i])) text += "add chain ip mangle " + names[i] + "\n";
    }
    const CommandResult result = run({"nft", "-c", "-f", "-"}, text);
    EXPECT_EQ(result.status, 0) << result.err;
  }
}

TEST(NftCommentTest, ReplacesWhatNftOrATerminalCannotHold) {
  EXPECT_EQ(nft_comment("it's \"quoted\"; #\\"), "\"it's 'quoted'; #\\\"");
  EXPECT_EQ(nft_comment("a\nb\x1b\xc2\x9b\xff"), "\"a\\x0ab\\x1b\\xc2\\x9b\\xff\"");
  EXPECT_EQ(nft_comment("\xc3\xa9\xe2\x80\xae"), "\"\xc3\xa9\\xe2\\x80\\xae\"");
  EXPECT_EQ(nft_comment(""), "\"\"");
}

TEST(NftCommentTest, CutsLongOnesBetweenCharacters) {
  EXPECT_EQ(nft_comment(std::string(300, 'a')).size(), 130U);
  const std::string cut = nft_comment("a" + std::string(60, '"') + std::string(40, 'b') +
                                      "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                                      "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                                      "\xe2\x82\xac\xe2\x82\xac");
  EXPECT_EQ(cut.size(), 2U + 1 + 60 + 40 + 27);
}

TEST(NftTokensTest, KeepsWhatBelongsToOneCommand) {
  for (const char *text :
       {"iifname \"wan 2*\" ip saddr != 10.0.0.0/8", "tcp dport { 80, 1000-2000 }",
        "meta hour \"10:00:00\"-\"12:00:00\"", "fib saddr . iif oif != 0",
        "add @x { ip saddr ct count over 5 }", "tcp flags & (syn|ack) == syn",
        "{ type ipv4_addr; flags dynamic; }", ""}) {
    EXPECT_EQ(split(text), text);
  }
  EXPECT_EQ(split(" a  b "), "a b");
}

TEST(NftTokensTest, RefusesWhatCouldEndIt) {
  for (const char *text : {"a; b", "a # b", "a\nb", "a \"b", "a $b", "a \\", "{ a", "a }", "} {",
                           "a 'b", "a `b`", "\"a\nb\"", "\"\x1b[1m\"", "\"\xc2\x9b\"", "\"\xff\"",
                           "a\tb", "[ a ]", "a ~ b", "\xc3\xa9"}) {
    EXPECT_EQ(split(text), "refused") << text;
  }
}

}  // namespace
}  // namespace connmark::test
