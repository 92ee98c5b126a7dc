// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/mark_flow.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

#include "command/flow/bit_traffic.h"
#include "command/flow/witness_replay.h"

namespace connmark {
namespace {

struct TooManyWays {};

constexpr std::size_t kNodesOfWitness = std::size_t{1} << 20;

bool has_family(const Ruleset &ruleset, Family family) {
  const auto sees = [family](Family of_chain) {
    return of_chain == family || of_chain == Family::kInet || of_chain == Family::kNetdev;
  };
  return std::ranges::any_of(ruleset.chains,
                             [&](const Chain &chain) { return sees(chain.family); });
}

}  // namespace

// Some rules left out, one family, connections of one kind.
class SilencedFlow {
 public:
  // What is left out can make a difference to the bits of `reached`.
  SilencedFlow(const MarkFlow &flow, const std::vector<bool> &silenced,
               const GroupedRules &observers, BitsOfBoth reached, Family family,
               const std::vector<KindOfPacket> &packets, std::size_t nodes)
      : flow_(flow),
        silenced_(silenced),
        observers_(observers),
        family_(family),
        kinds_(packets.begin(), packets.end()),
        variables_(family, flow.matches_, orders(), addresses(), flow.traffic_.relevant(),
                   static_cast<std::uint32_t>(reached >> 32), nodes) {}

  // Throws TooLarge, or TooManyWays where it does not depend on what is left out.
  void find(std::vector<Effect> &effects, const std::vector<bool> &not_asked) {
    try {
      for (Kind &kind : kinds_) pass(kind);
    } catch (const TooLarge &) {
      throw TooManyWays{};
    }
    find_connections();
    for (std::uint32_t group = 0; group < effects.size(); ++group) {
      if (!not_asked[group] && effects[group].verdict != PairVerdict::kWitness) {
        find(group, effects[group]);
      }
    }
  }

  std::size_t nodes() { return diagram().nodes(); }

 private:
  struct Kind {
    explicit Kind(const KindOfPacket &packet) : way(packet.way), is_reply(packet.is_reply) {}

    Way way;
    bool is_reply;
    std::vector<Stop> stops = {};
    std::vector<Look> looks = {};
    std::vector<FreeDecision> decisions = {};
    Condition possible = {};    // for the packet and the connection that it belongs to
    Condition transition = {};  // to what the next packet finds
  };

  Addresses addresses() const {
    if (!flow_.options_.addresses_stay) return Addresses::kAreAnew;
    return flow_.has_nat_ ? Addresses::kAreTranslated : Addresses::kStay;
  }

  DecisionDiagram &diagram() { return variables_.diagram(); }

  Unordered orders() {
    Unordered all;
    for (Kind &kind : kinds_) {
      kind.stops = stops_of(flow_.ruleset_, family_, kind.way);
      all.merge(unordered_chains(kind.stops));
    }
    return all;
  }

  void pass(Kind &kind) {
    TwoRuns runs(
        flow_.ruleset_, flow_.of_chains_, variables_,
        [&](RuleIndex rule) { return silenced_[rule]; },
        [&](const Look &look) { kind.looks.push_back(look); });
    const EndOfWay end = runs.pass(kind.stops, family_, kind.way, kind.is_reply);
    kind.decisions = runs.free_decisions();
    kind.possible = possible(kind);
    kind.transition = transition(kind, end);
  }

  // A received packet has no mark; what a program has given to a sent one is not known.
  Condition possible(const Kind &kind) {
    Condition all = variables_.possible();
    const bool is_received = kind.way == Way::kReceived || kind.way == Way::kForwarded;
    if (is_received && !flow_.options_.received_are_marked) {
      for (std::uint32_t bits = variables_.bits().of(Mark::kPacket); bits != 0; bits &= bits - 1) {
        all = diagram().but_not(all, variables_.start_bit(std::countr_zero(bits)));
      }
    }
    // Before that, nobody knows the connection that it would belong to.
    const Condition known =
        flow_.options_.has_icmp_errors ? variables_.is_confirmed() : Condition::never();
    if (kind.is_reply) all = diagram().both(all, variables_.is_confirmed());
    return diagram().both(all,
                          diagram().any(known, diagram().negation(variables_.is_icmp_error())));
  }

  Condition transition(const Kind &kind, const EndOfWay &end) {
    const Condition confirmed = diagram().any(variables_.is_confirmed(), end.is_confirmed);
    Condition all = diagram().both(kind.possible, diagram().both(end.has_connection, confirmed));
    const Condition is_reply = kind.is_reply ? Condition::always() : Condition::never();
    const Condition replied = diagram().any(
        variables_.is_replied(), diagram().but_not(is_reply, variables_.is_icmp_error()));
    all = diagram().both(all, diagram().same(variables_.is_replied_next(), replied));
    all = diagram().both(all, variables_.is_confirmed_next());
    all = diagram().both(all,
                         diagram().same(variables_.is_expected_next(), variables_.is_expected()));
    for (std::uint32_t bits = variables_.bits().of(Mark::kConnection); bits != 0;
         bits &= bits - 1) {
      const int bit = std::countr_zero(bits);
      for (std::size_t run = 0; run < (variables_.can_differ(bit) ? kRuns : 1); ++run) {
        all = diagram().both(all, diagram().same(variables_.next_connection_bit(bit, run),
                                                 end.marks[run][static_cast<std::size_t>(bit)]));
      }
    }
    return all;
  }

  // layers_[n]: what connections can be before their packet n, or an earlier one.
  void find_connections() {
    Condition start = diagram().negation(
        diagram().any(variables_.is_replied(),
                      diagram().any(variables_.is_confirmed(), variables_.is_expected())));
    for (std::uint32_t bits = variables_.bits().of(Mark::kConnection); bits != 0;
         bits &= bits - 1) {
      for (std::size_t run = 0; run < kRuns; ++run) {
        start = diagram().but_not(start, variables_.connection_bit(std::countr_zero(bits), run));
      }
    }
    layers_ = {start};
    while (true) {
      Condition grown = layers_.back();
      for (const Kind &kind : kinds_) {
        grown = diagram().any(grown, behind(diagram().both(layers_.back(), kind.transition)));
      }
      grown = diagram().any(grown, expected_by(layers_.back()));
      if (grown == layers_.back()) return;
      layers_.push_back(grown);
    }
  }

  Condition behind(Condition packets) {
    Condition next = diagram().some(packets, variables_.passing());
    next = diagram().renamed(next, variables_.next(), PacketVariables::kNextDistance);
    return diagram().renamed(next, variables_.next_state(), PacketVariables::kNextStateDistance);
  }

  // A new connection, as of FTP's data, begins with the mark that its master has.
  Condition expected_by(Condition masters) {
    Condition any = diagram().both(masters, variables_.is_confirmed());
    any = diagram().both(diagram().some(any, variables_.of_connection()), variables_.is_expected());
    return diagram().but_not(any,
                             diagram().any(variables_.is_confirmed(), variables_.is_replied()));
  }

  std::uint32_t observer_of(const Look &look) const {
    return look.is_policy ? observers_.of_policy_rule[look.rule] : observers_.of_rule[look.rule];
  }

  void find(std::uint32_t group, Effect &effect) {
    for (const bool differing : {true, false}) {
      if (!differing && effect.verdict != PairVerdict::kApart) return;
      if (find(group, differing, effect)) return;
    }
  }

  // Whether there is a witness that the interpreter confirms.
  bool find(std::uint32_t group, bool differing, Effect &effect) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      for (const Kind &kind : kinds_) {
        for (const Look &look : kind.looks) {
          if (observer_of(look) != group) continue;
          const Condition seen =
              differing ? look.differs : diagram().differ(look.reached[0], look.reached[1]);
          const Condition packets =
              diagram().both(diagram().both(seen, kind.possible), layers_[layer]);
          if (packets.is_never()) continue;
          Witness shown = witness(kind, look, preferred(packets, kind), layer);
          const auto replayed = replay(flow_.ruleset_, silenced_, shown);
          if (replayed && replayed->only.has_value() != differing) {
            effect.verdict = differing ? PairVerdict::kWitness : PairVerdict::kKeptAway;
            effect.witness = std::move(shown);
            return true;
          }
          effect.verdict = PairVerdict::kUndecided;
        }
      }
    }
    return false;
  }

  // The plainest packets, where there are some and can be had: tracked, no errors, without a
  // mark at the start, and so that what is decided freely is decided the same way each time.
  Condition preferred(Condition packets, const Kind &kind) {
    diagram().allow(kNodesOfWitness);
    const auto prefer = [&](Condition wish) {
      const Condition both = diagram().both(packets, wish);
      if (!both.is_never()) packets = both;
    };
    const auto prefer_not = [&](Condition condition) { prefer(diagram().negation(condition)); };
    try {
      Condition plain =
          diagram().negation(diagram().any(variables_.is_icmp_error(), variables_.is_expected()));
      plain = diagram().but_not(
          plain, diagram().any(variables_.is_invalid(), variables_.is_never_tracked()));
      prefer(plain);
      Condition unmarked = Condition::always();
      for (std::uint32_t bits = variables_.bits().of(Mark::kPacket); bits != 0; bits &= bits - 1) {
        unmarked = diagram().but_not(unmarked, variables_.start_bit(std::countr_zero(bits)));
      }
      prefer(unmarked);
      Condition followed = Condition::always();
      for (const FreeDecision &each : kind.decisions) {
        if (each.kind != FreeDecision::Kind::kSkippedChain) continue;
        followed = diagram().but_not(followed, each.value[0]);
      }
      prefer(followed);
      // Of one connection and one set of attributes, so that it stays small.
      packets = diagram().both(packets, all_but_free(diagram().example(packets)));
      // Fixed one by one: that two of them are equal would have to be kept apart in every node
      // between their variables.
      for (const FreeDecision &later : kind.decisions) {
        const auto first = std::ranges::find_if(
            kind.decisions, [&](const FreeDecision &each) { return each.is_same_place(later); });
        if (&*first == &later) continue;
        for (std::size_t run = 0; run < kRuns; ++run) {
          const bool holds = diagram().holds(first->value[run], diagram().example(packets));
          for (const Condition each : {first->value[run], later.value[run]}) {
            if (holds) {
              prefer(each);
            } else {
              prefer_not(each);
            }
          }
        }
      }
    } catch (const TooLarge &) {
      diagram().allow(kNodesOfWitness);
    }
    return packets;
  }

  Witness witness(const Kind &last, const Look &look, Condition packets, std::size_t layer) {
    Witness result;
    result.family = family_;
    result.by_policy_rule = look.is_policy;
    result.observer = look.rule;
    result.mark = look.mark;
    result.bits = look.bits;
    const Kind *kind = &last;
    while (true) {
      const Assignment example = diagram().example(packets);
      result.packets.insert(result.packets.begin(), packet_of(*kind, example));
      const Condition before = state_of(example);
      while (layer > 0 && !diagram().both(layers_[layer - 1], before).is_never()) --layer;
      if (layer == 0) return result;
      --layer;
      if (!step_back(example, layer, kind, packets)) return result;
    }
  }

  Condition all_but_free(const Assignment &example) {
    Condition all = Condition::always();
    for (const auto &[variable, value] : example) {
      if (PacketVariables::is_free(variable)) continue;
      const Condition is = diagram().variable(variable);
      all = value ? diagram().both(all, is) : diagram().but_not(all, is);
    }
    return all;
  }

  // The connection before the packet, and what it has in common with all others.
  Condition state_of(const Assignment &example) {
    Condition state = Condition::always();
    each_state_variable([&](Variable variable) {
      const Condition is = diagram().variable(variable);
      const auto value = example.find(variable);
      const bool holds = value != example.end() && value->second;
      state = holds ? diagram().both(state, is) : diagram().but_not(state, is);
    });
    return state;
  }

  template <typename Visitor>
  void each_state_variable(const Visitor &visitor) {
    const VariableSet &passing = variables_.passing();
    // What is constant for the connection, then what changes with its packets.
    for (Variable variable = passing.below; variable < passing.end(); ++variable) {
      if (variables_.is_state(variable)) visitor(variable);
    }
  }

  // The packet before, which left the connection as it is in `example`.
  bool step_back(const Assignment &example, std::size_t layer, const Kind *&kind,
                 Condition &packets) {
    Condition left = Condition::always();
    each_state_variable([&](Variable variable) {
      const Condition is = diagram().variable(variables_.next_of(variable));
      const auto value = example.find(variable);
      const bool holds = value != example.end() && value->second;
      left = holds ? diagram().both(left, is) : diagram().but_not(left, is);
    });
    for (const Kind &each : kinds_) {
      const Condition before =
          diagram().both(diagram().both(layers_[layer], each.transition), left);
      if (before.is_never()) continue;
      kind = &each;
      packets = preferred(before, each);
      return true;
    }
    return false;  // it was expected by another connection
  }

  WitnessPacket packet_of(const Kind &kind, const Assignment &example) {
    WitnessPacket packet;
    const auto is = [&](Condition condition) { return diagram().holds(condition, example); };
    packet.packet = {.family = family_,
                     .way = kind.way,
                     .is_reply = kind.is_reply,
                     .state = kStateNew,
                     .connection_is_confirmed = is(variables_.is_confirmed())};
    packet.is_icmp_error = is(variables_.is_icmp_error());
    if (is(variables_.is_never_tracked())) {
      packet.packet.state = kStateUntracked;
    } else if (is(variables_.is_invalid())) {
      packet.packet.state = kStateInvalid;
    } else if (packet.is_icmp_error) {
      packet.packet.state = kStateRelated;
    } else if (kind.is_reply || is(variables_.is_replied())) {
      packet.packet.state = kStateEstablished;
    } else if (is(variables_.is_expected())) {
      packet.packet.state = kStateRelated;
    }
    const auto number = [&](Mark mark, const auto &bit_at) {
      std::uint32_t value = 0;
      for (std::uint32_t bits = variables_.bits().of(mark); bits != 0; bits &= bits - 1) {
        if (is(bit_at(std::countr_zero(bits)))) value |= bits & -bits;
      }
      return value;
    };
    packet.start_mark = number(Mark::kPacket, [&](int bit) { return variables_.start_bit(bit); });
    packet.connection_mark =
        number(Mark::kConnection, [&](int bit) { return variables_.connection_bit(bit, 0); });
    packet.connection_mark_without =
        number(Mark::kConnection, [&](int bit) { return variables_.connection_bit(bit, 1); });
    constexpr auto kAttributes = static_cast<std::size_t>(Attribute::kConnectionState);
    packet.values.resize(kAttributes);
    PacketView view{.is_reply = kind.is_reply,
                    .has_in_interface = true,
                    .has_out_interface = true,
                    .is_looped = kind.way == Way::kLooped,
                    .stage = NatStage::kBefore,
                    .has_connection = {},
                    .is_untracked = {}};
    for (std::size_t attribute = 0; attribute < kAttributes; ++attribute) {
      for (std::size_t stage = 0; stage < packet.values[attribute].size(); ++stage) {
        view.stage = static_cast<NatStage>(stage);
        packet.values[attribute][stage] =
            variables_.value(static_cast<Attribute>(attribute), view, example);
      }
    }
    packet.words = variables_.words_in(example);
    for (const FreeDecision &each : kind.decisions) {
      packet.decisions.push_back({each, {is(each.value[0]), is(each.value[1])}});
    }
    packet.ranks = ranks(kind, example);
    return packet;
  }

  // So that chains without an order have the one of the example.
  std::vector<std::uint32_t> ranks(const Kind &kind, const Assignment &example) {
    constexpr std::uint32_t kTurn = 64;
    std::vector<std::uint32_t> result(flow_.ruleset_.chains.size(), 0);
    const auto turns = [&](const std::vector<ChainIndex> &name, std::size_t count) {
      std::vector<std::uint32_t> turn(count, 0);
      for (std::size_t i = 0; i < count && count > 1; ++i) {
        turn[i] = static_cast<std::uint32_t>(variables_.turns_of(name)[i].value_in(example));
      }
      return turn;
    };
    for (const Stop &stop : kind.stops) {
      const auto of_unit = turns(chains_in(stop.chains), stop.chains.size());
      for (std::size_t unit = 0; unit < stop.chains.size(); ++unit) {
        for (const auto &group : stop.chains[unit]) {
          const auto of_chain = turns(group, group.size());
          for (std::size_t i = 0; i < group.size(); ++i) {
            result[group[i]] = of_unit[unit] * kTurn + of_chain[i];
          }
        }
      }
    }
    return result;
  }

  const MarkFlow &flow_;
  const std::vector<bool> &silenced_;
  const GroupedRules &observers_;
  const Family family_;
  std::vector<Kind> kinds_;
  PacketVariables variables_;
  std::vector<Condition> layers_;
};

MarkFlow::MarkFlow(const Ruleset &ruleset, const FlowOptions &options)
    : ruleset_(ruleset),
      options_(options),
      traffic_(ruleset),
      of_chains_(ruleset),
      nodes_left_(options.nodes_of_all) {
  for (const Rule &rule : ruleset.rules) {
    if (of_chains_.matters(rule.chain)) {
      for (const Match &match : rule.matches) matches_.push_back(&match);
    }
    if (ruleset.chains[rule.chain].is_nat) has_nat_ = true;
  }
}

BitsOfBoth MarkFlow::reached_from(const std::vector<bool> &silenced) const {
  BitsOfBoth written = 0;
  for (RuleIndex i = 0; i < ruleset_.rules.size(); ++i) {
    if (silenced[i]) written |= written_by(ruleset_.rules[i]);
  }
  return traffic_.reached_from(written);
}

std::vector<Effect> MarkFlow::without(const std::vector<bool> &silenced,
                                      const GroupedRules &observers,
                                      const std::vector<bool> &not_asked) {
  std::vector<Effect> effects(observers.count);
  const BitsOfBoth reached = reached_from(silenced);
  bool is_too_large = false;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (!has_family(ruleset_, family)) continue;
    for (std::size_t kind = 0; kind < options_.connections.size(); ++kind) {
      if (has_too_many_ways_.contains({family, kind})) {
        is_too_large = true;
        continue;
      }
      const auto &packets = options_.connections[kind];
      const std::size_t nodes = std::min(options_.nodes_of_question, nodes_left_);
      try {
        SilencedFlow flow(*this, silenced, observers, reached, family, packets, nodes);
        flow.find(effects, not_asked);
        nodes_left_ -= std::min(nodes_left_, flow.nodes());
      } catch (const TooManyWays &) {
        has_too_many_ways_.insert({family, kind});
        is_too_large = true;
      } catch (const TooLarge &) {
        nodes_left_ -= nodes;
        is_too_large = true;
      }
    }
  }
  for (Effect &effect : effects) {
    if (effect.verdict == PairVerdict::kUndecided) {
      effect.reason = "there seems to be a witness, and its packets do not do what it says";
    } else if (is_too_large && effect.verdict != PairVerdict::kWitness) {
      effect = {PairVerdict::kUndecided,
                "there are too many ways through the rules to follow all of them",
                {}};
    }
  }
  return effects;
}

OwnerPairs MarkFlow::pairs(const GroupedRules &owners) {
  std::vector<BitsOfBoth> written(owners.count, 0);
  std::vector<BitsOfBoth> looked_at(owners.count, 0);
  for (RuleIndex i = 0; i < ruleset_.rules.size(); ++i) {
    written[owners.of_rule[i]] |= written_by(ruleset_.rules[i]);
    looked_at[owners.of_rule[i]] |= looked_at_by(ruleset_.rules[i]);
  }
  for (RuleIndex i = 0; i < ruleset_.policy_rules.size(); ++i) {
    looked_at[owners.of_policy_rule[i]] |= bits_of(Mark::kPacket, ruleset_.policy_rules[i].mask);
  }
  OwnerPairs result;
  for (std::uint32_t writer = 0; writer < owners.count; ++writer) {
    if (written[writer] == 0) continue;
    const BitsOfBoth reached = traffic_.reached_from(written[writer]);
    std::vector<bool> not_asked(owners.count, true);
    bool asks = false;
    for (std::uint32_t victim = 0; victim < owners.count; ++victim) {
      if (victim == writer || looked_at[victim] == 0) continue;
      if ((looked_at[victim] & reached) == 0) {
        ++result.no_bit_in_common;
      } else {
        not_asked[victim] = false;
        asks = true;
      }
    }
    if (!asks) continue;
    std::vector<bool> silenced(ruleset_.rules.size());
    for (RuleIndex i = 0; i < silenced.size(); ++i) silenced[i] = owners.of_rule[i] == writer;
    std::vector<Effect> effects = without(silenced, owners, not_asked);
    for (std::uint32_t victim = 0; victim < owners.count; ++victim) {
      if (not_asked[victim]) continue;
      result.pairs.push_back({writer, victim, std::move(effects[victim])});
    }
  }
  return result;
}

}  // namespace connmark
