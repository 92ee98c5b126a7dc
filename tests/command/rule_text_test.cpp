// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_text.h"

#include <gtest/gtest.h>

#include <iostream>

#include "command/iptables/rule_words.h"
#include "command/refusal.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

RuleText read(const std::string &line) { return read_rule(rule_words(line)); }

std::string refusal(const std::string &line) {
  try {
    read(line);
  } catch (const Refusal &refused) {
    return refused.what();
  }
  return "accepted";
}

TEST(RuleTextTest, ReadsWhatFollowsTheTarget) {
  EXPECT_EQ(read("--set-mark 1/0xff").rule, (MarkRule{Target::kConnmark, set_mark(1, 0xff)}));
  EXPECT_EQ(read("--restore-mark --nfmask 1 --ctmask 2").rule.op, restore_mark(1, 2));
  EXPECT_EQ(read("--save-mark --right-shift-mark 4").rule.op,
            with_shift(save_mark(), Direction::kRight, 4));
}

TEST(RuleTextTest, ReadsBackWhatItSaves) {
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  for (int i = 0; i < 1000; ++i) {
    const MarkRule rule{Target::kConnmark, random.operation()};
    EXPECT_EQ(read(saved_form(rule)).rule, rule) << saved_form(rule);
  }
}

TEST(RuleTextTest, TakesAbbreviationsAndEqualsSignsAsGetoptDoes) {
  EXPECT_EQ(read("--set-m=3").rule.op, set_mark(3));
  EXPECT_EQ(read("--res --ctm 1").rule.op, restore_mark(kAllBits, 1));
}

TEST(RuleTextTest, ReadsMark) {
  EXPECT_EQ(read("-j MARK --set-mark 1/0xff").rule, (MarkRule{Target::kMark, set_mark(1, 0xff)}));
  EXPECT_EQ(read("-j MARK --xor-mark 3").rule, (MarkRule{Target::kMark, xor_mark(3)}));
}

TEST(RuleTextTest, FindsTheTargetInEachSpelling) {
  for (const char *jump : {"-j CONNMARK", "-jCONNMARK", "--jump CONNMARK", "--jump=CONNMARK"}) {
    EXPECT_EQ(read(std::string("-A OUTPUT ") + jump + " --or-mark 4").rule.op, or_mark(4)) << jump;
  }
}

TEST(RuleTextTest, KeepsChainAndMatches) {
  const RuleText text = read(
      "-A PREROUTING ! -i wan2 -m comment --comment \"a -j b\" -m recent --mask 255.255.255.255 "
      "-j CONNMARK --set-mark 2 -p tcp ! -o lo -m tcp --dport 80");
  EXPECT_EQ(text.rule.op, set_mark(2));
  EXPECT_EQ(rule_line(text.rest),
            "-A PREROUTING ! -i wan2 -p tcp ! -o lo -m comment --comment \"a -j b\" -m recent "
            "--mask 255.255.255.255 -m tcp --dport 80");
}

TEST(RuleTextTest, WarnsInThePluginsWords) {
  EXPECT_EQ(read("--set-mark 1 --mask 0xff").warnings,
            std::vector<std::string>{"CONNMARK: --mask: replaces the mask of --set-mark before it, "
                                     "write --set-xmark 0x1/0xff"});
  EXPECT_EQ(read("--nfmask 1 --set-mark 1").warnings.size(), 1U);
  EXPECT_TRUE(read("--set-mark 1").warnings.empty());
}

TEST(RuleTextTest, RefusesInThePluginsWords) {
  EXPECT_EQ(refusal("--left-shift-mark 32 --save-mark"),
            "CONNMARK: --left-shift-mark: \"32\" is out of range, give 0 to 31");
  EXPECT_EQ(refusal("--set-mark 1 --save-mark"),
            "CONNMARK: --save-mark: conflicts with --set-mark, give one operation");
  EXPECT_EQ(refusal("! --set-mark 1"),
            "CONNMARK: --set-mark: \"!\" makes no sense here, leave it out");
  EXPECT_EQ(refusal("-j MARK --set-mark x"),
            "MARK: --set-mark: \"x\" is not a mark, give VALUE or VALUE/MASK, each 0 to "
            "0xffffffff");
}

TEST(RuleTextTest, RefusesARuleWithoutOperation) {
  EXPECT_EQ(refusal(""),
            "CONNMARK: no operation, give one of --set-xmark, --save-mark, --restore-mark, "
            "--set-mark, --and-mark, --or-mark, --xor-mark");
  EXPECT_EQ(refusal("-j MARK"),
            "MARK: no operation, give one of --set-xmark, --set-mark, --and-mark, --or-mark, "
            "--xor-mark");
}

TEST(RuleTextTest, RefusesOtherWordsAndSaysWhatIsAccepted) {
  EXPECT_EQ(refusal("--save-mark foo")
                .find("CONNMARK: \"foo\" is not an option of the target, "
                      "give --set-xmark, --save-mark"),
            0U);
  EXPECT_EQ(refusal("--frob").find("CONNMARK: \"--frob\" is not an option of the target"), 0U);
  EXPECT_EQ(refusal("--set 1").find("CONNMARK: \"--set\" is not an option of the target"), 0U);
  EXPECT_EQ(refusal("--set-mark 1 !").find("CONNMARK: \"!\" is not an option"), 0U);
  EXPECT_EQ(refusal("--set-mark 1 -- foo").find("CONNMARK: \"foo\" is not an option"), 0U);
  EXPECT_EQ(refusal("-j MARK --save-mark"),
            "MARK: \"--save-mark\" is not an option of the target, give --set-xmark, --set-mark, "
            "--and-mark, --or-mark, --xor-mark");
}

TEST(RuleTextTest, RefusesAnOptionWithoutItsValue) {
  EXPECT_EQ(refusal("--set-mark"), "CONNMARK: --set-mark: no value, give --set-mark value[/mask]");
  EXPECT_EQ(refusal("--save-mark --mask"), "CONNMARK: --mask: no value, give --mask mask");
  EXPECT_EQ(refusal("-A OUTPUT -j"), "-j: no target, give CONNMARK or MARK");
}

TEST(RuleTextTest, RefusesOtherTargets) {
  EXPECT_EQ(refusal("-A OUTPUT -j ACCEPT"),
            "-j: \"ACCEPT\" does not write marks, give CONNMARK or MARK");
  EXPECT_EQ(refusal("-j CONNMARK --save-mark -j MARK"), "-j: given twice, give it once");
}

TEST(RuleTextTest, GivesAnOptionToTheExtensionThatWasLoadedLast) {
  const RuleText behind = read("-j CONNMARK --save-mark -m recent --mask 255.0.0.0 --name x");
  EXPECT_EQ(behind.rule.op, save_mark());
  EXPECT_EQ(rule_line(behind.rest), "-m recent --mask 255.0.0.0 --name x");
  const RuleText before = read("-m recent --name x -j CONNMARK --save-mark --mask 255");
  EXPECT_EQ(before.rule.op, save_mark(255, 255));
}

TEST(RuleTextTest, TakesTheTargetForNobodysArgument) {
  const RuleText text = read("-A A -m helper --helper \"--log-prefix\" -j MARK --set-mark 3/3");
  EXPECT_EQ(text.rule, (MarkRule{Target::kMark, set_mark(3, 3)}));
  EXPECT_EQ(rule_line(text.rest), "-A A -m helper --helper --log-prefix");
  EXPECT_EQ(read("-A A -m helper --helper -j -j MARK --set-mark 3").rule.op, set_mark(3));
  EXPECT_EQ(refusal("-m helper --helper -j MARK --set-mark 3").find("\"MARK\""), 0U);
  // What is not known stays where it was, for iptables to judge.
  EXPECT_EQ(rule_line(read("-i lo x -A A -m nosuch --y -j MARK --or 1").rest),
            "-A A -i lo x -m nosuch --y");
}

TEST(MarkRuleTest, MarkWritesThePacketsMarkOnly) {
  const MarkRule rule{Target::kMark, set_xmark(0x16, 0x12)};
  EXPECT_EQ(apply(rule, {.ct = 0xff, .nf = 0xff}), (Marks{.ct = 0xff, .nf = 0xfb}));
  EXPECT_EQ(written_mark(rule), Mark::kPacket);
}

TEST(MarkRuleTest, FormulaLeavesOutWhatChangesNothing) {
  EXPECT_EQ(formula(read("--set-mark 1").rule), "ctmark = 0x1");
  EXPECT_EQ(formula(read("--set-mark 0").rule), "ctmark = 0");
  EXPECT_EQ(formula(read("--set-mark 1/0xff").rule), "ctmark = (ctmark & ~0xff) ^ 0x1");
  EXPECT_EQ(formula(read("--or-mark 6").rule), "ctmark = ctmark | 0x6");
  EXPECT_EQ(formula(read("--xor-mark 6").rule), "ctmark = ctmark ^ 0x6");
  EXPECT_EQ(formula(read("--and-mark 6").rule), "ctmark = ctmark & ~0xfffffff9");
  EXPECT_EQ(formula(read("--set-xmark 6/3 --left-shift-mark 2").rule),
            "ctmark = ((ctmark & ~0x3) ^ 0x6) << 2");
  EXPECT_EQ(formula(read("--or-mark 6 --right-shift-mark 1").rule), "ctmark = (ctmark | 0x6) >> 1");
  EXPECT_EQ(formula(read("--save-mark").rule), "ctmark = nfmark");
  EXPECT_EQ(formula(read("--restore-mark --nfmask 0 --ctmask 0").rule), "nfmark = nfmark");
  EXPECT_EQ(formula(read("--save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8").rule),
            "ctmark = (ctmark & ~0xff00) ^ ((nfmark & 0xff) << 8)");
  EXPECT_EQ(formula(read("-j MARK --set-mark 1/3").rule), "nfmark = (nfmark & ~0x3) ^ 0x1");
}

}  // namespace
}  // namespace connmark::test
