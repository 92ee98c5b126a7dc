// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet's way through the rules, twice at once: as it is, and without the mark writes
// of one owner.  All possible packets go together; where the runs part is a condition.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "command/flow/packet_variables.h"
#include "command/flow/ways.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// The rules of each chain, in their order.
class RulesOfChains {
 public:
  explicit RulesOfChains(const Ruleset &ruleset);
  std::span<const RuleIndex> of(ChainIndex chain) const {
    return {rules_.data() + first_[chain], first_[chain + 1] - first_[chain]};
  }
  // Whether packets are to be followed through the chain rule by rule: it, or a chain that it
  // calls, touches marks or untracks, or all of them together have only a few rules.
  bool matters(ChainIndex chain) const { return matters_[chain]; }
  // How many rules there are to follow in it, those of chains that it calls each time.
  std::size_t steps(ChainIndex chain) const { return matters_[chain] ? steps_[chain] : 1; }

 private:
  template <typename Visitor>
  void each_call(const Ruleset &ruleset, ChainIndex chain, const Visitor &visitor) const;
  std::vector<ChainIndex> called_first(const Ruleset &ruleset) const;
  std::vector<std::size_t> counts(const Ruleset &ruleset, const std::vector<ChainIndex> &order,
                                  bool skips) const;

  std::vector<std::uint32_t> first_;
  std::vector<RuleIndex> rules_;
  std::vector<bool> matters_;
  std::vector<std::size_t> steps_;
};

// Somebody looks at bits: a rule of the chains, or one of `ip rule`.
struct Look {
  bool is_policy = false;
  RuleIndex rule = 0;  // or that of a policy rule
  Mark mark = Mark::kPacket;
  std::uint32_t bits = 0;
  OfRuns reached;
  Condition differs;  // in both runs, with different bits
};

// What a place in the rules decided freely, for the packet's example.
struct FreeDecision {
  enum class Kind : std::uint8_t { kMatch, kTest, kWrittenBit, kBranch, kSkippedChain, kNat };
  Kind kind = Kind::kMatch;
  RuleIndex rule = 0;
  // Of the match, test or branch; of kWrittenBit the bit; of kSkippedChain the chain, which
  // packets leave by a verdict where `value` holds; of kNat the chain, whose rules then translate.
  std::uint32_t index = 0;
  OfRuns value;

  bool is_same_place(const FreeDecision &other) const {
    return kind == other.kind && rule == other.rule && index == other.index;
  }
};

// What a connection becomes by the packet.
struct EndOfWay {
  std::array<std::array<Condition, 32>, kRuns> marks;
  Condition has_connection;  // in the first run, which is what happens
  Condition is_confirmed;    // the same
};

class TwoRuns {
 public:
  // Rules for which `is_left_out` holds write no marks in the second run.
  TwoRuns(const Ruleset &ruleset, const RulesOfChains &rules, PacketVariables &variables,
          std::function<bool(RuleIndex)> is_left_out, std::function<void(const Look &)> observer);

  // Packets in the reply direction or not; their marks are those of the variables.
  // Throws TooLarge.
  EndOfWay pass(const std::vector<Stop> &stops, Family family, Way way, bool is_reply);
  // Of the last pass(), in the order of the packet.
  const std::vector<FreeDecision> &free_decisions() const { return free_decisions_; }

 private:
  struct Run {
    std::array<std::array<Condition, 32>, 2> marks;  // [Mark][bit]
    std::array<Condition, 32> routed;  // the packet's mark when its route was last looked for
    Condition here;
    Condition accepted;  // by a rule of the base chain at hand
    Condition decided;   // by a nat chain of the hook at hand
  };
  using Returned = OfRuns;

  template <typename Visitor>
  void in_each_order(const std::vector<ChainIndex> &name, std::size_t count, Condition when,
                     const Visitor &visitor);
  void pass_chains(const Stop &stop);
  void pass_base(ChainIndex index, Condition when);
  void pass_chain(ChainIndex chain, Returned &returned);
  void pass_rule(RuleIndex index, Returned &returned);
  // How far into the rule packets come: what passes the first n of each.
  struct Passed {
    std::vector<OfRuns> matches;
    std::vector<OfRuns> tests;
  };
  Passed passed_parts(RuleIndex index, const Rule &rule);
  OfRuns result_of(RuleIndex index, std::uint32_t place, const MarkTest &test);
  void look(RuleIndex index, const MarkTest &test, const OfRuns &reached);
  OfRuns asked_for(std::uint32_t test, const Rule &rule, const Passed &passed);
  // What goes on behind the writes.
  OfRuns write(RuleIndex index, const Rule &rule, const Passed &passed);
  void take_branches(RuleIndex index, Condition different, OfRuns passed, Returned &returned);
  void take(RuleIndex index, const Branch &branch, const OfRuns &passed, Returned &returned);
  void skip(RuleIndex rule, ChainIndex chain, const OfRuns &passed, OfRuns &back);
  void route(Condition when);
  void reroute(const std::array<Run, kRuns> &before, Condition when);
  Condition differs(Mark mark, std::uint32_t bits);
  Condition looks_different(const Rule &rule, std::size_t tests);
  OfRuns both(const OfRuns &left, const OfRuns &right);

  const Ruleset &ruleset_;
  const RulesOfChains &rules_;
  PacketVariables &variables_;
  DecisionDiagram &diagram_;
  std::function<bool(RuleIndex)> is_left_out_;
  std::function<void(const Look &)> observer_;
  const bool writes_other_bits_;  // of the packet's mark than those that are followed
  std::array<Run, kRuns> runs_;
  Condition confirmed_;  // by the packet, in the first run
  PacketView view_;
  Family family_ = Family::kIpv4;
  std::vector<FreeDecision> free_decisions_;
};

}  // namespace connmark
