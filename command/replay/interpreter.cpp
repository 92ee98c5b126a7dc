// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/replay/interpreter.h"

#include <algorithm>
#include <tuple>

namespace connmark {
namespace {

constexpr std::size_t kFamilies = 2;

bool sees(const Chain &chain, Family family) {
  return chain.family == family || chain.family == Family::kInet || chain.family == Family::kNetdev;
}

// nf_nat_ipv4_ops and nf_nat_ipv6_ops; measured on Linux 6.18.
int priority_in_kernel(const Chain &chain) {
  if (!chain.is_nat) return chain.priority;
  return chain.hook == Hook::kPrerouting || chain.hook == Hook::kOutput ? kDestinationNatPriority
                                                                        : kSourceNatPriority;
}

constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

struct Stop {
  Hook hook;
  bool routes_before;
};

std::span<const Stop> stops(Way way) {
  static constexpr Stop kReceived[] = {
      {Hook::kIngress, false}, {Hook::kPrerouting, false}, {Hook::kInput, true}};
  static constexpr Stop kForwarded[] = {{Hook::kIngress, false},
                                        {Hook::kPrerouting, false},
                                        {Hook::kForward, true},
                                        {Hook::kPostrouting, false},
                                        {Hook::kEgress, false}};
  static constexpr Stop kLooped[] = {{Hook::kOutput, true},      {Hook::kPostrouting, false},
                                     {Hook::kEgress, false},     {Hook::kIngress, false},
                                     {Hook::kPrerouting, false}, {Hook::kInput, false}};
  switch (way) {
    case Way::kReceived:
      return kReceived;
    case Way::kForwarded:
      return kForwarded;
    case Way::kSent:
      return std::span(kLooped).first(3);
    default:
      return kLooped;
  }
}

// A name of no interface is empty, and "+" alone passes even that.
bool passes_without_interface(const Match &match) { return (match.text == "+") != match.inverted; }

}  // namespace

Interpreter::Write Interpreter::compiled(const MarkWrite &write) {
  Write result;
  const auto add = [&](Mark source, int from, int to) {
    const std::uint32_t mask = std::uint32_t{1} << from;
    for (Term &term : result.terms) {
      if (term.source != source || term.shift != to - from) continue;
      term.mask |= mask;
      return;
    }
    result.terms.push_back({source, to - from, mask});
  };
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = write.value.bit(i);
    const std::uint32_t here = std::uint32_t{1} << i;
    if (bit.unknown) {
      result.unknown |= here;
      continue;
    }
    if (bit.inverted) result.constant |= here;
    if (bit.connection >= 0) add(Mark::kConnection, bit.connection, i);
    if (bit.packet >= 0) add(Mark::kPacket, bit.packet, i);
    result.reads_connection = result.reads_connection || bit.connection >= 0;
  }
  return result;
}

Interpreter::Interpreter(const Ruleset &ruleset, std::span<const std::uint32_t> ranks)
    : ruleset_(ruleset), rules_of_(ruleset.chains.size()), writes_of_(ruleset.rules.size()) {
  for (RuleIndex rule = 0; rule < ruleset.rules.size(); ++rule) {
    rules_of_[ruleset.rules[rule].chain].push_back(rule);
    for (const MarkWrite &write : ruleset.rules[rule].writes) {
      writes_of_[rule].push_back(compiled(write));
    }
  }
  const auto rank = [&](ChainIndex chain) { return ranks.empty() ? chain : ranks[chain]; };
  for (std::size_t family = 0; family < kFamilies; ++family) {
    const Family of = family == 0 ? Family::kIpv4 : Family::kIpv6;
    for (std::size_t hook = 0; hook < kHooks; ++hook) {
      std::vector<ChainIndex> &chains = base_chains_[family][hook];
      std::uint32_t nat_rank = std::numeric_limits<std::uint32_t>::max();
      for (ChainIndex index = 0; index < ruleset.chains.size(); ++index) {
        const Chain &chain = ruleset.chains[index];
        if (chain.hook != static_cast<Hook>(hook) || !sees(chain, of)) continue;
        chains.push_back(index);
        if (chain.is_nat) nat_rank = std::min(nat_rank, rank(index));
      }
      const auto key = [&](ChainIndex index) {
        const Chain &chain = ruleset.chains[index];
        return std::tuple(priority_in_kernel(chain), chain.is_nat ? nat_rank : rank(index),
                          chain.is_nat ? chain.priority : 0, rank(index));
      };
      std::stable_sort(chains.begin(), chains.end(),
                       [&](ChainIndex a, ChainIndex b) { return key(a) < key(b); });
    }
    for (std::uint32_t index = 0; index < ruleset.policy_rules.size(); ++index) {
      const PolicyRule &rule = ruleset.policy_rules[index];
      if (rule.family == of && rule.mask != 0) policy_rules_[family].push_back(index);
    }
    std::stable_sort(policy_rules_[family].begin(), policy_rules_[family].end(),
                     [&](std::uint32_t a, std::uint32_t b) {
                       return ruleset.policy_rules[a].priority < ruleset.policy_rules[b].priority;
                     });
  }
}

// One packet under way.
class Interpreter::Walk {
 public:
  Walk(const Interpreter &interpreter, const Packet &packet, Marks marks, Answers &answers,
       const std::vector<bool> &silenced, Trace &trace)
      : interpreter_(interpreter),
        ruleset_(interpreter.ruleset_),
        packet_(packet),
        marks_(marks),
        answers_(answers),
        silenced_(silenced),
        trace_(trace) {
    trace.steps.clear();
    trace.observations.clear();
    trace.end = End::kAccepted;
    trace.was_tracked = false;
    is_confirmed_ = packet.connection_is_confirmed;
  }

  void go() {
    const std::span<const Stop> all = stops(packet_.way);
    for (std::size_t i = 0; i < all.size() && trace_.end == End::kAccepted; ++i) {
      place_ = {.stop = static_cast<std::uint8_t>(i), .hook = all[i].hook};
      if (all[i].routes_before) {
        routed_by_ = marks_.nf;
        route();
      }
      pass_hook();
    }
    trace_.marks = marks_;
    trace_.connection_is_confirmed = is_confirmed_;
  }

 private:
  struct Frame {
    std::span<const RuleIndex> rules;
    std::size_t next = 0;
    std::uint64_t returns = 0;
  };

  bool has_in_interface() const {
    const bool is_sent = packet_.way == Way::kSent || packet_.way == Way::kLooped;
    return place_.hook != Hook::kOutput && place_.hook != Hook::kEgress &&
           (place_.hook != Hook::kPostrouting || !is_sent);
  }

  bool has_out_interface() const {
    return place_.hook != Hook::kPrerouting && place_.hook != Hook::kIngress &&
           place_.hook != Hook::kInput;
  }

  std::uint32_t state() const {
    if (has_connection_) return packet_.state;
    return is_untracked_ ? kStateUntracked : kStateInvalid;
  }

  void track() {
    if (has_connection_ || is_untracked_) return;
    if (packet_.state == kStateUntracked) is_untracked_ = true;
    if (packet_.state == kStateUntracked || packet_.state == kStateInvalid) return;
    has_connection_ = true;
    trace_.was_tracked = true;
  }

  // With the mark that the route was last looked for by.
  void route() {
    const std::size_t family = packet_.family == Family::kIpv6 ? 1 : 0;
    for (const std::uint32_t index : interpreter_.policy_rules_[family]) {
      const std::uint32_t mask = ruleset_.policy_rules[index].mask;
      trace_.observations.push_back({.place = place_,
                                     .by_policy_rule = true,
                                     .observer = index,
                                     .mask = mask,
                                     .bits = routed_by_ & mask});
    }
  }

  // nf_nat_inet_fn: the first packets alone, until the kind of translation has been
  // decided; PREROUTING and OUTPUT are one kind, POSTROUTING and INPUT the other.
  bool nat_sees_packet() const {
    return has_connection_ && !is_confirmed_ && !is_translated_ &&
           (packet_.state == kStateNew || packet_.state == kStateRelated);
  }

  void pass_hook() {
    const bool tracks = place_.hook == Hook::kPrerouting || place_.hook == Hook::kOutput;
    const bool confirms = place_.hook == Hook::kPostrouting || place_.hook == Hook::kInput;
    bool is_before_tracking = tracks;
    is_translated_ = false;
    for (const ChainIndex index : interpreter_.base_chains(packet_.family, place_.hook)) {
      const Chain &chain = ruleset_.chains[index];
      if (is_before_tracking && priority_in_kernel(chain) >= kConntrackPriority) {
        track();
        is_before_tracking = false;
      }
      if (chain.is_nat && !nat_sees_packet()) continue;
      const std::uint32_t mark_before = marks_.nf;
      place_.base = index;
      pass_base_chain(chain, index);
      if (trace_.end != End::kAccepted) return;
      if (chain.reroutes && place_.hook == Hook::kOutput) {
        // ip_route_me_harder only for a mark that this chain has changed (measured).
        if (marks_.nf != mark_before) routed_by_ = marks_.nf;
        place_.returns = 0;
        route();
      }
    }
    if (is_before_tracking) track();
    if (confirms && has_connection_) is_confirmed_ = true;
  }

  void pass_base_chain(const Chain &chain, ChainIndex index) {
    frames_.clear();
    frames_.push_back({.rules = interpreter_.rules_of_[index]});
    while (!frames_.empty()) {
      Frame &frame = frames_.back();
      if (frame.next == frame.rules.size()) {
        frames_.pop_back();
        continue;
      }
      const RuleIndex rule = frame.rules[frame.next++];
      place_.returns = frame.returns;
      if (trace_.steps.size() == kMostSteps) {
        trace_.end = End::kEndless;
        return;
      }
      const Branch taken = pass_rule(rule);
      switch (taken.verdict) {
        case Verdict::kContinue:
          break;
        case Verdict::kAccept:
          if (chain.is_nat && answers_.translates({.place = place_, .rule = rule})) {
            is_translated_ = true;
          }
          return;
        case Verdict::kDrop:
          trace_.end = End::kDropped;
          return;
        case Verdict::kReturn:
          frames_.pop_back();
          break;
        case Verdict::kJump:
          frames_.push_back({.rules = interpreter_.rules_of_[taken.chain],
                             .returns = mixed(frame.returns, std::uint64_t{rule} + 1)});
          break;
        case Verdict::kGoto:
          frame.rules = interpreter_.rules_of_[taken.chain];
          frame.next = 0;
          break;
      }
    }
    if (chain.policy_drops) trace_.end = End::kDropped;
  }

  bool passes(RuleIndex index, std::uint32_t number, const Match &match) {
    switch (match.attribute) {
      case Attribute::kInInterface:
        if (!has_in_interface()) return passes_without_interface(match);
        break;
      case Attribute::kOutInterface:
        if (!has_out_interface()) return passes_without_interface(match);
        break;
      case Attribute::kConnectionState:
        return ((state() & match.from) != 0) != match.inverted;
      case Attribute::kConnectionDirection:
        return has_connection_ && (packet_.is_reply == (match.from == 1)) != match.inverted;
      case Attribute::kIpVersion:
        return (match.from == (packet_.family == Family::kIpv4 ? 4U : 6U)) != match.inverted;
      case Attribute::kHasConnection:
        return has_connection_ != match.inverted;
      default:
        break;
    }
    return answers_.passes({.place = place_, .rule = index, .index = number}, match);
  }

  bool passes(RuleIndex index, std::uint32_t number, const MarkTest &test) {
    if (test.mark == Mark::kConnection && !has_connection_) return false;
    const std::uint32_t mark = test.mark == Mark::kConnection ? marks_.ct : marks_.nf;
    const std::uint32_t bits = mark & test.mask;
    looked_at_ = mixed(looked_at_, bits);
    if (test.mask != 0) {
      trace_.observations.push_back({.place = place_,
                                     .observer = index,
                                     .test = number,
                                     .mark = test.mark,
                                     .mask = test.mask,
                                     .bits = bits});
    }
    if (!test.decides) return true;
    if (test.value_known) return (bits == test.value) != test.inverted;
    return answers_.passes_unknown_test(
        {.place = place_, .rule = index, .index = number, .looked_at = looked_at_}, bits);
  }

  // The rule as a whole; false where it has to go no further.
  bool write_marks(RuleIndex index, const Rule &rule, std::uint32_t matches, std::uint32_t tests) {
    // nft_ct_get_eval ends a rule that loads the mark of no connection; the targets of
    // iptables do nothing and go on.
    const bool load_ends_rule =
        ruleset_.inputs[ruleset_.chains[rule.chain].input].is_nft && !rule.mark_rule.has_value();
    const bool is_silenced = !silenced_.empty() && silenced_[index];
    const Marks before = marks_;
    for (std::uint32_t i = 0; i < rule.writes.size(); ++i) {
      const MarkWrite &write = rule.writes[i];
      const Write &form = interpreter_.writes_of_[index][i];
      if (matches < write.matches_before || tests < write.tests_before) continue;
      if (!has_connection_ && form.reads_connection) {
        if (load_ends_rule) return false;
        continue;
      }
      if (is_silenced || (!has_connection_ && write.mark == Mark::kConnection)) continue;
      std::uint32_t value = form.constant;
      for (const Term &term : form.terms) {
        const std::uint32_t source =
            (term.source == Mark::kConnection ? before.ct : before.nf) & term.mask;
        value ^= term.shift >= 0 ? source << term.shift : source >> -term.shift;
      }
      if (form.unknown != 0) {
        const Question question{
            .place = place_, .rule = index, .index = i, .looked_at = looked_at_};
        value |= answers_.unknown_value(question, form.unknown) & form.unknown;
      }
      (write.mark == Mark::kConnection ? marks_.ct : marks_.nf) = value;
    }
    return true;
  }

  Branch pass_rule(RuleIndex index) {
    const Rule &rule = ruleset_.rules[index];
    std::uint32_t matches = 0;
    while (matches < rule.matches.size() && passes(index, matches, rule.matches[matches])) {
      ++matches;
    }
    const bool all_matches = matches == rule.matches.size();
    std::uint32_t looked = all_matches ? static_cast<std::uint32_t>(rule.tests.size()) : 0;
    for (const MarkWrite &write : rule.writes) {
      if (matches >= write.matches_before) looked = std::max(looked, write.tests_before);
    }
    std::uint32_t tests = 0;
    looked_at_ = 0;
    while (tests < looked && passes(index, tests, rule.tests[tests])) ++tests;

    const bool goes_on = write_marks(index, rule, matches, tests);
    const bool matched = goes_on && all_matches && tests == rule.tests.size();
    trace_.steps.push_back({.place = place_, .rule = index, .matched = matched, .marks = marks_});
    if (!matched) return {};
    if (rule.untracks && !has_connection_) is_untracked_ = true;
    if (rule.branches == nullptr) return rule.outcome;
    const std::size_t count = rule.branches->size();
    const std::size_t taken =
        answers_.branch({.place = place_, .rule = index, .looked_at = looked_at_}, count);
    return taken < count ? (*rule.branches)[taken] : Branch{};
  }

  const Interpreter &interpreter_;
  const Ruleset &ruleset_;
  const Packet &packet_;
  Marks marks_;
  Answers &answers_;
  const std::vector<bool> &silenced_;
  Trace &trace_;
  Place place_;
  std::vector<Frame> frames_;
  std::uint64_t looked_at_ = 0;
  std::uint32_t routed_by_ = 0;
  bool has_connection_ = false;
  bool is_untracked_ = false;
  bool is_confirmed_ = false;
  bool is_translated_ = false;
};

Trace Interpreter::replay(const Packet &packet, Marks marks, Answers &answers,
                          const std::vector<bool> &silenced) const {
  Trace trace;
  replay(packet, marks, answers, silenced, trace);
  return trace;
}

void Interpreter::replay(const Packet &packet, Marks marks, Answers &answers,
                         const std::vector<bool> &silenced, Trace &trace) const {
  Walk(*this, packet, marks, answers, silenced, trace).go();
}

}  // namespace connmark
