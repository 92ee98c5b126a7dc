// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/replay/interpreter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "command/replay/connection.h"
#include "flow/small_ruleset.h"

namespace connmark::test {
namespace {

// Every match that is asked for passes or fails, as set.
class FixedAnswers : public Answers {
 public:
  bool has_matches = true;
  bool has_tests = true;
  std::uint32_t value = 0;
  std::size_t taken = 0;
  bool has_translation = false;

  bool passes(const Question & /*question*/, const Match &match) override {
    return has_matches != match.inverted;
  }
  bool passes_unknown_test(const Question & /*question*/, std::uint32_t /*bits*/) override {
    return has_tests;
  }
  std::uint32_t unknown_value(const Question & /*question*/, std::uint32_t /*unknown*/) override {
    return value;
  }
  std::size_t branch(const Question & /*question*/, std::size_t /*count*/) override {
    return taken;
  }
  bool translates(const Question & /*question*/) override { return has_translation; }
};

class InterpreterTest : public testing::Test {
 protected:
  Trace replayed(Marks marks = {}) {
    return Interpreter(rules.set.ruleset).replay(packet, marks, answers, silenced);
  }
  std::vector<bool> matched() {
    std::vector<bool> result;
    for (const Step &step : replayed().steps) result.push_back(step.matched);
    return result;
  }
  std::vector<RuleIndex> visited() {
    std::vector<RuleIndex> result;
    for (const Step &step : replayed().steps) result.push_back(step.rule);
    return result;
  }

  SmallRuleset rules;
  Packet packet{.way = Way::kSent};
  FixedAnswers answers;
  std::vector<bool> silenced;
};

TEST_F(InterpreterTest, GoesThroughTheHooksOfItsWay) {
  for (const Hook hook : {Hook::kPrerouting, Hook::kInput, Hook::kForward, Hook::kOutput,
                          Hook::kPostrouting, Hook::kIngress, Hook::kEgress}) {
    rules.rule(rules.base(hook, 0));
  }
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{3, 4, 6}));
  packet.way = Way::kReceived;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{5, 0, 1}));
  packet.way = Way::kForwarded;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{5, 0, 2, 4, 6}));
  packet.way = Way::kLooped;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{3, 4, 6, 5, 0, 1}));
}

TEST_F(InterpreterTest, ChainsSeeTheirFamilyAlone) {
  for (const Family family : {Family::kIpv4, Family::kIpv6, Family::kInet, Family::kBridge}) {
    Chain chain;
    chain.family = family;
    chain.hook = Hook::kOutput;
    rules.rule(rules.add(chain));
  }
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{0, 2}));
  packet.family = Family::kIpv6;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{1, 2}));
}

TEST_F(InterpreterTest, RanksOrderChainsOfEqualPriority) {
  rules.rule(rules.base(Hook::kOutput, 0));
  rules.rule(rules.base(Hook::kOutput, 0));
  rules.rule(rules.base(Hook::kOutput, -1));
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{2, 0, 1}));
  const std::uint32_t ranks[] = {2, 1, 0};
  const Trace trace = Interpreter(rules.set.ruleset, ranks).replay(packet, {}, answers);
  EXPECT_EQ(trace.steps.at(1).rule, 1U);
}

TEST_F(InterpreterTest, ReturnsBehindTheJumpAndNotBehindTheGoto) {
  const ChainIndex base = rules.base(Hook::kOutput, 0);
  const ChainIndex first = rules.add({});
  const ChainIndex second = rules.add({});
  rules.rule(base).outcome = {.verdict = Verdict::kJump, .chain = first};
  rules.rule(first).outcome = {.verdict = Verdict::kGoto, .chain = second};
  rules.rule(first);
  rules.rule(second).outcome = {.verdict = Verdict::kReturn};
  rules.rule(second);
  rules.rule(base).outcome = {.verdict = Verdict::kGoto, .chain = second};
  rules.rule(base).outcome = {.verdict = Verdict::kDrop};
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{0, 1, 3, 5, 3}));
  EXPECT_EQ(replayed().end, End::kAccepted);
  rules.set.ruleset.chains[base].policy_drops = true;
  EXPECT_EQ(replayed().end, End::kDropped);
}

TEST_F(InterpreterTest, GivesUpInALoopOfJumps) {
  const ChainIndex base = rules.base(Hook::kOutput, 0);
  rules.rule(base).outcome = {.verdict = Verdict::kJump, .chain = base};
  const Trace trace = replayed();
  EXPECT_EQ(trace.end, End::kEndless);
  EXPECT_EQ(trace.steps.size(), kMostSteps);
}

TEST_F(InterpreterTest, BeforeConnectionTrackingThereIsNoConnection) {
  for (const int priority : {kRawPriority, kManglePriority}) {
    const ChainIndex chain = rules.base(Hook::kOutput, priority);
    rules.rule(chain).matches.push_back(match_of(Attribute::kConnectionState, kStateInvalid));
    rules.rule(chain).matches.push_back(match_of(Attribute::kHasConnection, 0));
    rules.tests(chain, Mark::kConnection, 0, 1);
    rules.tests(chain, Mark::kConnection, 1, 1).tests[0].inverted = true;
    Match reply = match_of(Attribute::kConnectionDirection, 1);
    reply.inverted = true;
    rules.rule(chain).matches.push_back(reply);
    rules.sets(chain, Mark::kConnection, 0, 8);
  }
  EXPECT_EQ(matched(), (std::vector<bool>{true, false, false, false, false, true,  //
                                          false, true, true, true, true, true}));
  EXPECT_EQ(replayed({.ct = 9}).marks.ct, 1U);
  EXPECT_EQ(replayed().observations.size(), 2U);
}

TEST_F(InterpreterTest, ALoopedPacketKeepsItsConnectionAndIsNotRoutedAgain) {
  rules.policy_rule(1, 1);
  rules.tests(rules.base(Hook::kPrerouting, kRawPriority), Mark::kConnection, 0, 1);
  packet.way = Way::kReceived;
  EXPECT_EQ(matched(), std::vector<bool>{false});
  packet.way = Way::kLooped;
  EXPECT_EQ(matched(), std::vector<bool>{true});
  const Trace trace = replayed();
  EXPECT_EQ(std::count_if(trace.observations.begin(), trace.observations.end(),
                          [](const Observation &seen) { return seen.by_policy_rule; }),
            1);
}

TEST_F(InterpreterTest, UntrackedPacketsGetNoConnection) {
  rules.rule(rules.base(Hook::kOutput, kRawPriority)).untracks = true;
  const ChainIndex chain = rules.base(Hook::kOutput, kManglePriority);
  rules.rule(chain).matches.push_back(match_of(Attribute::kConnectionState, kStateUntracked));
  rules.rule(chain).matches.push_back(match_of(Attribute::kHasConnection, 0));
  EXPECT_EQ(matched(), (std::vector<bool>{true, true, false}));
  EXPECT_FALSE(replayed().was_tracked);
}

TEST_F(InterpreterTest, WithoutAConnectionARuleOfNftThatReadsItsMarkEnds) {
  for (const bool is_nft : {false, true}) {
    const ChainIndex chain = rules.base(Hook::kOutput, kRawPriority, is_nft);
    rules.copies(chain, Mark::kPacket, 0xf);
    rules.sets(chain, Mark::kConnection, 1, kAllBits);  // reads nothing
  }
  EXPECT_EQ(matched(), (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(replayed({.ct = 2, .nf = 5}).marks, (Marks{.ct = 2, .nf = 5}));
}

TEST_F(InterpreterTest, WritesComeFromTheMarksBeforeTheRule) {
  Rule &rule = rules.rule(rules.base(Hook::kOutput, 0));
  SmallRuleset::write(rule, Mark::kPacket, MarkExpression::of(Mark::kConnection));
  SmallRuleset::write(rule, Mark::kConnection, MarkExpression::of(Mark::kPacket) << 4);
  EXPECT_EQ(replayed({.ct = 1, .nf = 2}).marks, (Marks{.ct = 0x20, .nf = 1}));
  silenced = {true};
  EXPECT_EQ(replayed({.ct = 1, .nf = 2}).marks, (Marks{.ct = 1, .nf = 2}));
}

TEST_F(InterpreterTest, AWriteAsksForNoMoreThanStandsBeforeIt) {
  Rule &rule = rules.rule(rules.base(Hook::kOutput, 0));
  rule.matches.push_back(match_of(Attribute::kOther, 0, "words"));
  rule.tests.push_back({.mark = Mark::kPacket, .value = 2, .mask = 2});
  SmallRuleset::write(rule, Mark::kConnection, MarkExpression::constant(7));
  rule.writes[0].matches_before = 0;
  answers.has_matches = false;
  EXPECT_EQ(replayed({.nf = 2}).marks.ct, 7U);
  EXPECT_EQ(replayed({.nf = 1}).marks.ct, 0U);
  EXPECT_EQ(matched(), std::vector<bool>{false});
  EXPECT_EQ(replayed().observations.size(), 1U);
}

TEST_F(InterpreterTest, WhatIsNotKnownIsAsked) {
  const ChainIndex chain = rules.base(Hook::kOutput, 0);
  Rule &rule = rules.rule(chain);
  rule.tests.push_back({.mark = Mark::kPacket, .mask = 1, .value_known = false});
  SmallRuleset::write(rule, Mark::kPacket,
                      (MarkExpression::of(Mark::kPacket) & MarkExpression::constant(~0xfU)) ^
                          (MarkExpression::unknown() & MarkExpression::constant(0xfU)));
  rule.branches = std::make_shared<const std::vector<Branch>>(
      std::vector<Branch>{{.verdict = Verdict::kAccept}, {.verdict = Verdict::kDrop}});
  answers.value = 0xab;
  EXPECT_EQ(replayed({.nf = 0x50}).marks.nf, 0x5bU);
  EXPECT_EQ(replayed().end, End::kAccepted);
  answers.taken = 1;
  EXPECT_EQ(replayed().end, End::kDropped);
  answers.taken = 2;
  EXPECT_EQ(replayed().end, End::kAccepted);
  answers.has_tests = false;
  EXPECT_EQ(replayed({.nf = 0x50}).marks.nf, 0x50U);
}

TEST_F(InterpreterTest, RoutesAgainBehindAChainThatHasChangedTheMark) {
  rules.policy_rule(1, 3);
  const ChainIndex mangle = rules.base(Hook::kOutput, kManglePriority);
  rules.set.ruleset.chains[mangle].reroutes = true;
  rules.sets(mangle, Mark::kPacket, 1, 1);
  rules.sets(rules.base(Hook::kOutput, kFilterPriority), Mark::kPacket, 2, 2);
  const auto seen = [&](std::uint32_t mark) {
    std::vector<std::uint32_t> result;
    for (const Observation &each : replayed({.nf = mark}).observations) {
      result.push_back(each.bits);
    }
    return result;
  };
  EXPECT_EQ(seen(0), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(seen(1), (std::vector<std::uint32_t>{1, 1}));
  packet.way = Way::kForwarded;
  EXPECT_EQ(seen(6), std::vector<std::uint32_t>{2});
}

TEST_F(InterpreterTest, AChainThatLeavesTheMarkAloneDoesNotRouteByWhatOthersWrote) {
  rules.policy_rule(1, 1);
  rules.sets(rules.base(Hook::kOutput, kRawPriority), Mark::kPacket, 1, 1);
  const ChainIndex mangle = rules.base(Hook::kOutput, kManglePriority);
  rules.set.ruleset.chains[mangle].reroutes = true;
  rules.tests(mangle, Mark::kPacket, 2, 2);
  for (const Observation &each : replayed({}).observations) {
    if (each.by_policy_rule) {
      EXPECT_EQ(each.bits, 0U);
    }
  }
}

TEST_F(InterpreterTest, InterfacesAreThoseOfTheHook) {
  const ChainIndex chain = rules.base(Hook::kOutput, 0);
  rules.rule(chain).matches.push_back(match_of(Attribute::kInInterface, 0, "eth0"));
  Match match = match_of(Attribute::kInInterface, 0, "eth0");
  match.inverted = true;
  rules.rule(chain).matches.push_back(match);
  rules.rule(chain).matches.push_back(match_of(Attribute::kOutInterface, 0, "eth0"));
  EXPECT_EQ(matched(), (std::vector<bool>{false, true, true}));
}

class NatTest : public InterpreterTest {
 protected:
  ChainIndex nat(Hook hook, int priority) {
    Chain chain;
    chain.hook = hook;
    chain.priority = priority;
    chain.is_nat = true;
    return rules.add(chain);
  }
};

TEST_F(NatTest, RunsAtItsHooksOwnPriority) {
  rules.rule(nat(Hook::kOutput, -190));
  rules.rule(rules.base(Hook::kOutput, kManglePriority));
  rules.rule(nat(Hook::kOutput, -195));
  rules.rule(rules.base(Hook::kOutput, kFilterPriority));
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{1, 2, 0, 3}));
}

TEST_F(NatTest, SeesTheFirstPacketsAloneUntilOneIsTranslated) {
  rules.rule(nat(Hook::kOutput, -100)).outcome = {.verdict = Verdict::kAccept};
  rules.rule(nat(Hook::kOutput, -90));
  rules.rule(nat(Hook::kPostrouting, 100));
  rules.rule(nat(Hook::kPrerouting, -100));
  packet.way = Way::kLooped;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{0, 1, 2}));
  answers.has_translation = true;
  EXPECT_EQ(visited(), (std::vector<RuleIndex>{0, 2}));
  packet.connection_is_confirmed = true;
  EXPECT_EQ(visited(), std::vector<RuleIndex>{});
}

TEST(ConnectionTest, StaysNewUntilItsFirstReplyAndIsLostWithAPacketThatWasNotConfirmed) {
  SmallRuleset rules;
  const ChainIndex chain = rules.base(Hook::kOutput, 0);
  rules.sets(chain, Mark::kConnection, 1, 1);
  Rule &drop = rules.tests(chain, Mark::kPacket, 4, 4);
  drop.outcome = {.verdict = Verdict::kDrop};
  const Interpreter interpreter(rules.set.ruleset);
  FixedAnswers answers;
  Connection connection;
  const auto send = [&](Way way, bool is_reply, std::uint32_t mark) {
    const Packet packet = connection.next_packet(way, is_reply);
    connection.carry_on(packet,
                        interpreter.replay(packet, {.ct = connection.mark, .nf = mark}, answers));
    return packet.state;
  };
  EXPECT_EQ(send(Way::kSent, false, 4), kStateNew);
  EXPECT_EQ(connection, Connection{});
  EXPECT_EQ(send(Way::kSent, false, 0), kStateNew);
  EXPECT_EQ(connection.mark, 1U);
  EXPECT_EQ(send(Way::kSent, false, 4), kStateNew);
  EXPECT_EQ(connection.mark, 1U);
  EXPECT_EQ(send(Way::kReceived, true, 0), kStateEstablished);
  EXPECT_EQ(send(Way::kSent, false, 0), kStateEstablished);
}

}  // namespace
}  // namespace connmark::test
