// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/brute_force.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <stdexcept>

#include "flow/small_ruleset.h"

namespace connmark::test {
namespace {

class BruteForceTest : public testing::Test {
 protected:
  Decision decision(int writer = 0, int victim = 1) {
    const Decisions all = decide_by_brute_force(rules.set.ruleset, rules.set.owners, 0xf);
    EXPECT_TRUE(all.is_complete);
    return all.of(writer, victim).decision;
  }

  SmallRuleset rules;
};

TEST_F(BruteForceTest, AWriteBeforeATestOfItsBitsIsSeen) {
  const ChainIndex mangle = rules.base(Hook::kPrerouting, kManglePriority);
  rules.sets(mangle, Mark::kPacket, 1, 1, 0);
  rules.tests(mangle, Mark::kPacket, 1, 3, 1);
  const Decisions all = decide_by_brute_force(rules.set.ruleset, rules.set.owners, 0xf);
  EXPECT_EQ(all.of(0, 1).decision, Decision::kWitness);
  EXPECT_EQ(all.of(0, 1).example.seen.bits & 1, 1U);
  EXPECT_EQ(all.of(0, 1).example.other_bits & 1, 0U);
  EXPECT_EQ(all.of(1, 0).decision, Decision::kApart);
}

TEST_F(BruteForceTest, AWriteOfOtherBitsIsNot) {
  const ChainIndex mangle = rules.base(Hook::kPrerouting, kManglePriority);
  rules.sets(mangle, Mark::kPacket, 1, 1, 0);
  rules.tests(mangle, Mark::kPacket, 2, 6, 1);
  EXPECT_EQ(decision(), Decision::kApart);
}

TEST_F(BruteForceTest, AWriteBehindTheTestIsSeenThroughTheConnectionAlone) {
  const ChainIndex mangle = rules.base(Hook::kPostrouting, kManglePriority);
  rules.copies(mangle, Mark::kPacket, 1, 2);
  rules.tests(mangle, Mark::kPacket, 1, 1, 1);
  rules.sets(mangle, Mark::kPacket, 1, 1, 0);
  EXPECT_EQ(decision(), Decision::kApart);
  rules.copies(mangle, Mark::kConnection, 1, 2);
  EXPECT_EQ(decision(), Decision::kWitness);
}

TEST_F(BruteForceTest, ATestOfAThirdOwnerCarriesWhatItHasSeen) {
  const ChainIndex mangle = rules.base(Hook::kForward, kManglePriority);
  rules.sets(mangle, Mark::kPacket, 1, 1, 0);
  SmallRuleset::write(rules.tests(mangle, Mark::kPacket, 1, 1, 2), Mark::kPacket,
                      MarkExpression::constant(4));
  rules.tests(mangle, Mark::kPacket, 4, 4, 1);
  EXPECT_EQ(decision(), Decision::kWitness);
}

TEST_F(BruteForceTest, AVerdictThatHangsOnAMarkKeepsPacketsAway) {
  const ChainIndex mangle = rules.base(Hook::kForward, kManglePriority);
  rules.sets(mangle, Mark::kPacket, 1, 1, 0);
  rules.tests(mangle, Mark::kPacket, 1, 1, 2).outcome = {.verdict = Verdict::kReturn};
  rules.tests(mangle, Mark::kPacket, 4, 4, 1);
  EXPECT_EQ(decision(), Decision::kKeptAway);
}

TEST_F(BruteForceTest, ADropTakesTheRepliesAway) {
  const ChainIndex output = rules.base(Hook::kOutput, kManglePriority);
  rules.sets(output, Mark::kPacket, 1, 1, 0);
  rules.tests(output, Mark::kPacket, 1, 1, 2).outcome = {.verdict = Verdict::kDrop};
  Rule &looks = rules.tests(rules.base(Hook::kInput, kManglePriority), Mark::kConnection, 4, 4, 1);
  looks.matches.push_back(match_of(Attribute::kConnectionDirection, 1));
  // Packets that are sent have the mark of A, and the third owner's drop.
  const Decisions all = decide_by_brute_force(rules.set.ruleset, rules.set.owners, 0xf);
  EXPECT_EQ(all.of(0, 1).decision, Decision::kKeptAway);
}

TEST_F(BruteForceTest, MatchesThatExcludeOneAnotherDoNotMeet) {
  const ChainIndex mangle = rules.base(Hook::kForward, kManglePriority);
  Rule &write = rules.rule(mangle, 0);
  write.matches.push_back(match_of(Attribute::kProtocol, 6));
  SmallRuleset::write(write, Mark::kPacket, MarkExpression::constant(1));
  rules.tests(mangle, Mark::kPacket, 1, 1, 1).matches.push_back(match_of(Attribute::kProtocol, 17));
  EXPECT_EQ(decision(), Decision::kApart);
  rules.set.ruleset.rules[1].matches[0].inverted = true;
  EXPECT_EQ(decision(), Decision::kWitness);
  rules.set.ruleset.rules[1].matches[0].from = 6;
  EXPECT_EQ(decision(), Decision::kApart);
  rules.set.ruleset.rules[1].matches[0].inverted = false;
  EXPECT_EQ(decision(), Decision::kWitness);
}

TEST_F(BruteForceTest, ChainsOfEqualPriorityComeInEitherOrder) {
  rules.tests(rules.base(Hook::kForward, 0), Mark::kPacket, 1, 1, 1);
  rules.sets(rules.base(Hook::kForward, 0), Mark::kPacket, 1, 1, 0);
  EXPECT_EQ(decision(), Decision::kWitness);
  rules.set.ruleset.chains[1].priority = 1;
  EXPECT_EQ(decision(), Decision::kApart);
}

TEST_F(BruteForceTest, PolicyRulesLookAtRoutesAndNotBehindThem) {
  const ChainIndex chain = rules.base(Hook::kForward, kManglePriority);
  rules.sets(chain, Mark::kPacket, 1, 1, 0);
  rules.policy_rule(1, 1, 1);
  EXPECT_EQ(decision(), Decision::kApart);
  rules.set.ruleset.chains[chain].hook = Hook::kPrerouting;
  EXPECT_EQ(decision(), Decision::kWitness);
}

TEST_F(BruteForceTest, ARelatedConnectionHasItsMastersMark) {
  const ChainIndex chain = rules.base(Hook::kForward, kManglePriority);
  rules.sets(chain, Mark::kConnection, 1, 1, 0);
  Rule &looks =
      rules.tests(rules.base(Hook::kForward, kManglePriority - 1), Mark::kConnection, 1, 1, 1);
  looks.matches.push_back(match_of(Attribute::kConnectionState, kStateRelated));
  rules.set.ruleset.rules[0].matches.push_back(
      match_of(Attribute::kConnectionState, kStateEstablished));
  rules.set.ruleset.rules[0].writes[0].matches_before = 1;
  EXPECT_EQ(decision(), Decision::kWitness);
}

TEST_F(BruteForceTest, WantsMarksOfFourBits) {
  rules.sets(rules.base(Hook::kForward, 0), Mark::kPacket, 0x10, 0x10);
  EXPECT_THROW(decide_by_brute_force(rules.set.ruleset, rules.set.owners, 0x1f),
               std::invalid_argument);
}

// An analysis is compared with what comes of these.
TEST(RandomRulesetsTest, HaveAllDecisions) {
  const std::uint64_t seed = random_seed();
  std::cout << "seed " << seed << "\n";
  RandomRules random(seed);
  for (const Variety variety : {Variety::kPlain, Variety::kMixed, Variety::kUnknown}) {
    std::map<Decision, int> counts;
    for (int i = 0; i < 60; ++i) {
      const OwnedRuleset set = random_ruleset(random, variety);
      const Decisions all = decide_by_brute_force(set.ruleset, set.owners, kRandomBits);
      for (int writer = 0; writer < all.owners; ++writer) {
        for (int victim = 0; victim < all.owners; ++victim) {
          if (writer != victim) ++counts[all.of(writer, victim).decision];
        }
      }
    }
    EXPECT_GT(counts[Decision::kApart], 50);
    // Nothing in the plain ones takes a packet off its way.
    EXPECT_EQ(counts[Decision::kKeptAway] > 0, variety != Variety::kPlain);
    EXPECT_GT(counts[Decision::kWitness], 20);
  }
}

}  // namespace
}  // namespace connmark::test
