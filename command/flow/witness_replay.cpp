// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/witness_replay.h"

#include <algorithm>

namespace connmark {
namespace {

class AnswersOfWitness : public Answers {
 public:
  AnswersOfWitness(const Ruleset &ruleset, const WitnessPacket &packet, std::size_t run)
      : ruleset_(ruleset), packet_(packet), run_(run) {}

  bool passes(const Question &question, const Match &match) override {
    if (const auto *decision = find(FreeDecision::Kind::kMatch, question.rule, question.index)) {
      return decision->value[run_];
    }
    if (match.attribute == Attribute::kOther) {
      const auto words =
          std::ranges::find(packet_.words, match.text, &std::pair<std::string, bool>::first);
      return words != packet_.words.end() && words->second != match.inverted;
    }
    if (packet_.is_icmp_error && match.attribute == Attribute::kProtocol) {
      const std::uint32_t icmp = packet_.packet.family == Family::kIpv4 ? 1 : 58;
      return (match.from == icmp) != match.inverted;
    }
    const auto &value = packet_.values[static_cast<std::size_t>(match.attribute)]
                                      [static_cast<std::size_t>(stage(question.place))];
    return value && connmark::passes(match, *value);
  }

  bool passes_unknown_test(const Question &question, std::uint32_t) override {
    const auto *decision = find(FreeDecision::Kind::kTest, question.rule, question.index);
    return decision != nullptr && decision->value[run_];
  }

  std::uint32_t unknown_value(const Question &question, std::uint32_t) override {
    std::uint32_t value = 0;
    for (const auto &each : packet_.decisions) {
      if (each.place.kind != FreeDecision::Kind::kWrittenBit) continue;
      if (each.place.rule == question.rule && each.value[run_]) {
        value |= std::uint32_t{1} << each.place.index;
      }
    }
    return value;
  }

  std::size_t branch(const Question &question, std::size_t count) override {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto *decision = find(FreeDecision::Kind::kBranch, question.rule, i);
      if (decision != nullptr && decision->value[run_]) return i;
    }
    return count;
  }

  bool translates(const Question &question) override {
    const auto found = std::ranges::find_if(packet_.decisions, [&](const auto &each) {
      return each.place.kind == FreeDecision::Kind::kNat && each.place.index == question.place.base;
    });
    return found != packet_.decisions.end() && found->value[run_];
  }

 private:
  const WitnessPacket::Decision *find(FreeDecision::Kind kind, RuleIndex rule,
                                      std::uint32_t index) const {
    const auto found = std::ranges::find_if(packet_.decisions, [&](const auto &each) {
      return each.place.kind == kind && each.place.rule == rule && each.place.index == index;
    });
    return found == packet_.decisions.end() ? nullptr : &*found;
  }

  NatStage stage(const Place &place) const {
    const int priority = ruleset_.chains[place.base].priority;
    const bool is_behind = place.hook == Hook::kPostrouting || place.hook == Hook::kInput;
    const bool is_again = packet_.packet.way == Way::kLooped &&
                          (place.hook == Hook::kPrerouting || place.hook == Hook::kInput);
    if (is_again || (is_behind && priority > kSourceNatPriority)) return NatStage::kBehind;
    if (place.hook == Hook::kEgress) return NatStage::kBehind;
    const bool is_before = place.hook == Hook::kPrerouting || place.hook == Hook::kOutput ||
                           place.hook == Hook::kIngress;
    return is_before && priority <= kDestinationNatPriority ? NatStage::kBefore
                                                            : NatStage::kBetween;
  }

  const Ruleset &ruleset_;
  const WitnessPacket &packet_;
  const std::size_t run_;
};

bool is_at(const Observation &observation, const Witness &witness) {
  return observation.by_policy_rule == witness.by_policy_rule &&
         observation.observer == witness.observer && observation.mark == witness.mark &&
         observation.mask == witness.bits;
}

const Observation *same_look(const Trace &trace, const Observation &like) {
  const auto found = std::ranges::find_if(
      trace.observations, [&](const Observation &each) { return each.is_same_look(like); });
  return found == trace.observations.end() ? nullptr : &*found;
}

// Looks that only one of the runs has, and else those with different bits.
bool find_difference(const Witness &witness, ReplayedWitness &replayed) {
  const auto &last = replayed.packets.back();
  for (const Observation &each : last[0].observations) {
    if (!is_at(each, witness)) continue;
    const Observation *other = same_look(last[1], each);
    if (other == nullptr || other->bits == each.bits) continue;
    replayed.seen = {each.bits, other->bits};
    return true;
  }
  for (std::size_t run = 0; run < kRuns; ++run) {
    for (const Observation &each : last[run].observations) {
      if (!is_at(each, witness) || same_look(last[1 - run], each) != nullptr) continue;
      replayed.seen[run] = each.bits;
      replayed.only = run;
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<ReplayedWitness> replay(const Ruleset &ruleset, const std::vector<bool> &silenced,
                                      const Witness &witness) {
  const Interpreter interpreter(ruleset, witness.packets.back().ranks);
  const std::array<std::vector<bool>, kRuns> left_out{std::vector<bool>{}, silenced};
  ReplayedWitness replayed;
  replayed.packets.resize(witness.packets.size());
  for (std::size_t run = 0; run < kRuns; ++run) {
    const WitnessPacket &first = witness.packets.front();
    std::uint32_t connection = run == 0 ? first.connection_mark : first.connection_mark_without;
    for (std::size_t i = 0; i < witness.packets.size(); ++i) {
      const WitnessPacket &packet = witness.packets[i];
      AnswersOfWitness answers(ruleset, packet, run);
      Trace &trace = replayed.packets[i][run];
      trace = interpreter.replay(packet.packet, {.ct = connection, .nf = packet.start_mark},
                                 answers, left_out[run]);
      connection = trace.marks.ct;
      // A connection that is not confirmed ends with its packet.
      const bool goes_on = replayed.packets[i][0].connection_is_confirmed;
      if (i + 1 < witness.packets.size() && !goes_on) return std::nullopt;
    }
  }
  if (!find_difference(witness, replayed)) return std::nullopt;
  return replayed;
}

}  // namespace connmark
