// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/brute_force.h"

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <map>
#include <stdexcept>
#include <tuple>

#include "command/replay/connection.h"
#include "flow/match_outcomes.h"

namespace connmark::test {
namespace {

constexpr Way kWays[] = {Way::kReceived, Way::kForwarded, Way::kSent, Way::kLooped};
constexpr std::size_t kMostOrders = 24;
// Of one packet's replays, and of a whole rule set's.
constexpr std::size_t kMostReplays = 1 << 14;
constexpr std::size_t kMostReplaysInAll = 1 << 23;

constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xbf58476d1ce4e5b9;
  return hash ^ (hash >> 31);
}

// Answers both replays of a packet alike, and in the course of time in all ways: each
// question that has more than one answer is a digit of a number that is counted up.
class CountedAnswers : public Answers {
 public:
  CountedAnswers(const MatchOutcomes &outcomes, const std::vector<std::uint64_t> &possible,
                 std::uint32_t bits)
      : outcomes_(outcomes), bits_(bits) {
    for (std::size_t i = 0; i < possible.size(); ++i) {
      for (std::size_t match = 0; match < 64; ++match) {
        if ((possible[i] >> match & 1) != 0) passing_[match] |= std::uint64_t{1} << i;
      }
    }
    all_ = possible.size() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << possible.size()) - 1;
  }

  // Back to the first of all answers.
  void start() {
    digits_.clear();
    rewind();
  }

  // To the next; false when all have been given.
  bool advance() {
    while (!digits_.empty() && digits_.back().value + 1 == digits_.back().count) digits_.pop_back();
    if (digits_.empty()) return false;
    ++digits_.back().value;
    rewind();
    return true;
  }

  bool passes(const Question &question, const Match &match) override {
    const int number = outcomes_.number(question.rule, question.index);
    if (number < 0) return chosen(key(question, 1), 2) != 0;
    const std::uint64_t passing = passing_[static_cast<std::size_t>(number)];
    const std::uint64_t yes = possible_ & passing;
    const std::uint64_t no = possible_ & ~passing;
    if (yes != 0 && no != 0) possible_ = next_digit(2) != 0 ? yes : no;
    return ((possible_ & passing) != 0) != match.inverted;
  }

  bool passes_unknown_test(const Question &question, std::uint32_t /*bits*/) override {
    return chosen(key(question, 2), 2) != 0;
  }

  std::uint32_t unknown_value(const Question &question, std::uint32_t unknown) override {
    std::uint32_t free = unknown & bits_;
    std::uint32_t value = 0;
    std::uint32_t left = chosen(key(question, 3), 1U << std::popcount(free));
    for (; free != 0; free &= free - 1, left >>= 1) {
      if ((left & 1) != 0) value |= free & -free;
    }
    return value;
  }

  std::size_t branch(const Question &question, std::size_t count) override {
    return chosen(key(question, 4), static_cast<std::uint32_t>(count) + 1);
  }

  bool translates(const Question &question) override {
    return chosen(mixed(5, question.rule), 2) != 0;
  }

 private:
  struct Digit {
    std::uint32_t value;
    std::uint32_t count;
  };

  static std::uint64_t key(const Question &question, std::uint64_t kind) {
    std::uint64_t hash = mixed(kind, question.rule);
    hash = mixed(hash, question.index);
    hash = mixed(hash, question.place.stop);
    hash = mixed(hash, question.place.base);
    hash = mixed(hash, question.place.returns);
    return mixed(hash, question.looked_at);
  }

  void rewind() {
    position_ = 0;
    possible_ = all_;
    memory_.clear();
  }

  std::uint32_t next_digit(std::uint32_t count) {
    if (position_ == digits_.size()) digits_.push_back({.value = 0, .count = count});
    return digits_[position_++].value;
  }

  std::uint32_t chosen(std::uint64_t key, std::uint32_t count) {
    for (const auto &[known, value] : memory_) {
      if (known == key) return value;
    }
    return memory_.emplace_back(key, next_digit(count)).second;
  }

  const MatchOutcomes &outcomes_;
  std::uint32_t bits_;
  std::array<std::uint64_t, 64> passing_ = {};  // by match: which possible outcomes have it
  std::uint64_t all_ = 0;
  std::uint64_t possible_ = 0;
  std::vector<Digit> digits_;
  std::size_t position_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> memory_;
};

// The connections of both replays.
using Connections = std::array<Connection, 2>;

// All orders in which base chains of equal priority can come: ranks for Interpreter.
std::vector<std::vector<std::uint32_t>> orders(const Ruleset &ruleset) {
  std::map<std::tuple<Hook, int, bool>, std::vector<ChainIndex>> ties;
  std::vector<std::uint32_t> ranks;
  for (ChainIndex i = 0; i < ruleset.chains.size(); ++i) {
    ranks.push_back(i);
    const Chain &chain = ruleset.chains[i];
    if (chain.hook) ties[{*chain.hook, chain.priority, chain.is_nat}].push_back(i);
  }
  std::vector<std::vector<std::uint32_t>> result{ranks};
  for (const auto &[where, chains] : ties) {
    std::vector<std::vector<std::uint32_t>> longer;
    std::vector<std::uint32_t> permuted = chains;
    do {
      for (std::vector<std::uint32_t> each : result) {
        for (std::size_t i = 0; i < chains.size(); ++i) each[chains[i]] = permuted[i];
        longer.push_back(std::move(each));
      }
    } while (std::next_permutation(permuted.begin(), permuted.end()));
    result = std::move(longer);
    if (result.size() > kMostOrders) throw std::invalid_argument("too many orders of chains");
  }
  return result;
}

std::vector<Family> families(const Ruleset &ruleset) {
  bool has_ipv4 = false;
  bool has_ipv6 = false;
  for (const Chain &chain : ruleset.chains) {
    has_ipv4 = has_ipv4 || chain.family != Family::kIpv6;
    has_ipv6 = has_ipv6 || chain.family == Family::kIpv6;
  }
  for (const PolicyRule &rule : ruleset.policy_rules) {
    has_ipv6 = has_ipv6 || rule.family == Family::kIpv6;
  }
  for (const Rule &rule : ruleset.rules) {
    for (const Match &match : rule.matches) {
      has_ipv6 = has_ipv6 || match.attribute == Attribute::kIpVersion;
    }
  }
  if (!has_ipv6) return {Family::kIpv4};
  if (!has_ipv4) return {Family::kIpv6};
  return {Family::kIpv4, Family::kIpv6};
}

class Search {
 public:
  Search(const Ruleset &ruleset, const Owners &owners, std::uint32_t bits)
      : ruleset_(ruleset), owners_(owners), bits_(bits) {
    if (std::popcount(bits) > 4) throw std::invalid_argument("more than 4 bits of marks");
    for (std::uint32_t value = 0;; value = (value - bits) & bits) {
      values_.push_back(value);
      if (value == bits) break;
    }
    const auto count = static_cast<std::size_t>(owners.count);
    decisions_.owners = owners.count;
    decisions_.pairs.resize(count * count);
  }

  Decisions decide() {
    for (const std::vector<std::uint32_t> &ranks : orders(ruleset_)) {
      const Interpreter interpreter(ruleset_, ranks);
      interpreter_ = &interpreter;
      ranks_ = &ranks;
      for (const Family family : families(ruleset_)) {
        const MatchOutcomes outcomes(ruleset_, family);
        std::vector<CountedAnswers> of_protocols;
        for (const std::vector<std::uint64_t> &possible : outcomes.by_protocol()) {
          of_protocols.emplace_back(outcomes, possible, bits_);
        }
        for (writer_ = 0; writer_ < owners_.count; ++writer_) follow(family, of_protocols);
      }
    }
    return std::move(decisions_);
  }

 private:
  bool silence_writer() {
    silenced_.assign(ruleset_.rules.size(), false);
    bool has_writes = false;
    for (RuleIndex i = 0; i < ruleset_.rules.size(); ++i) {
      silenced_[i] = owners_.of_rules[i] == writer_ && !ruleset_.rules[i].writes.empty();
      has_writes = has_writes || silenced_[i];
    }
    return has_writes;
  }

  // Until the connections of both replays are in no state that is new.
  void follow(Family family, std::vector<CountedAnswers> &of_protocols) {
    if (!silence_writer()) return;
    reached_.assign(of_protocols.size(), {});
    waiting_.clear();
    Connections both;
    both[0].family = both[1].family = family;
    for (std::size_t protocol = 0; protocol < of_protocols.size(); ++protocol) {
      visit(both, protocol);
      for (const std::uint32_t state : {kStateInvalid, kStateUntracked}) {
        for (const Way way : kWays) {
          Packet packet;
          packet.family = family;
          packet.state = state;
          packet.way = way;
          try_packet(both, packet, protocol, of_protocols[protocol]);
        }
      }
    }
    while (!waiting_.empty()) {
      const auto [next, protocol] = waiting_.back();
      waiting_.pop_back();
      for (const Way way : kWays) {
        for (const bool is_reply : {false, true}) {
          if (is_reply && !next[0].is_confirmed) continue;
          try_packet(next, next[0].next_packet(way, is_reply), protocol, of_protocols[protocol]);
        }
      }
      if (!next[0].is_confirmed) continue;
      // What it expects may speak another protocol, as RTP behind SIP.
      for (std::size_t i = 0; i < of_protocols.size(); ++i) visit(related(next), i);
    }
  }

  static Connections related(const Connections &masters) {
    Connections result;
    for (std::size_t i = 0; i < 2; ++i) {
      result[i].family = masters[i].family;
      result[i].is_related = true;
      result[i].first_mark = result[i].mark = masters[i].mark;
    }
    return result;
  }

  std::uint32_t packed(std::uint32_t mark) const {
    if ((mark & ~bits_) != 0) throw std::invalid_argument("a rule writes other bits");
    return static_cast<std::uint32_t>(std::find(values_.begin(), values_.end(), mark) -
                                      values_.begin());
  }

  void visit(const Connections &both, std::size_t protocol) {
    std::uint32_t state = both[0].is_related ? 1 : 0;
    state = state << 2 | (both[0].is_confirmed ? 2U : 0U) | (both[0].has_reply ? 1U : 0U);
    for (const Connection &each : both) state = state << 4 | packed(each.mark);
    if (reached_[protocol][state]) return;
    reached_[protocol].set(state);
    waiting_.emplace_back(both, protocol);
  }

  void try_packet(const Connections &both, const Packet &packet, std::size_t protocol,
                  CountedAnswers &answers) {
    for (const std::uint32_t mark : values_) {
      answers.start();
      std::size_t replays = 0;
      do {
        if (++replays > kMostReplays || ++replays_ > kMostReplaysInAll) {
          decisions_.is_complete = false;
          break;
        }
        Connections next = both;
        interpreter_->replay(packet, {.ct = both[0].mark, .nf = mark}, answers, kNone, traces_[0]);
        next[0].carry_on(packet, traces_[0]);
        // Without a write that is left out, the second replay is the first.
        if (both[0].mark == both[1].mark && !has_silenced(traces_[0])) {
          next[1] = next[0];
        } else {
          interpreter_->replay(packet, {.ct = both[1].mark, .nf = mark}, answers, silenced_,
                               traces_[1]);
          compare(both, packet, mark);
          carry_on_without(next, traces_[0].was_tracked, traces_[1].marks.ct);
        }
        // Lost with its packet, it begins as it has begun before.
        if (!next[0].is_confirmed) continue;
        for (Connection &each : next) each.first_mark = 0;
        visit(next, protocol);
      } while (answers.advance());
    }
  }

  // All but the mark is what becomes of the connection as it is.
  static void carry_on_without(Connections &next, bool was_tracked, std::uint32_t mark) {
    Connection &without = next[1];
    without.is_confirmed = next[0].is_confirmed;
    without.has_reply = next[0].has_reply;
    if (was_tracked) without.mark = without.is_confirmed ? mark : without.first_mark;
  }

  bool has_silenced(const Trace &trace) const {
    return std::any_of(trace.steps.begin(), trace.steps.end(),
                       [&](const Step &step) { return silenced_[step.rule]; });
  }

  int owner(const Observation &seen) const {
    return seen.by_policy_rule ? owners_.of_policy_rules[seen.observer]
                               : owners_.of_rules[seen.observer];
  }

  static const Observation *find(const Observation &look, std::size_t guess,
                                 const std::vector<Observation> &in) {
    if (guess < in.size() && in[guess].is_same_look(look)) return &in[guess];
    for (const Observation &each : in) {
      if (each.is_same_look(look)) return &each;
    }
    return nullptr;
  }

  void compare(const Connections &both, const Packet &packet, std::uint32_t mark) {
    const std::vector<Observation> &with_writes = traces_[0].observations;
    const std::vector<Observation> &without_writes = traces_[1].observations;
    for (std::size_t i = 0; i < with_writes.size(); ++i) {
      const Observation &seen = with_writes[i];
      const Observation *other = find(seen, i, without_writes);
      if (other == nullptr) {
        note(Decision::kKeptAway, seen, 0, both, packet, mark);
      } else if (seen.bits != other->bits) {
        note(Decision::kWitness, seen, other->bits, both, packet, mark);
      }
    }
    for (std::size_t i = 0; i < without_writes.size(); ++i) {
      if (find(without_writes[i], i, with_writes) != nullptr) continue;
      note(Decision::kKeptAway, without_writes[i], 0, both, packet, mark);
    }
  }

  void note(Decision decision, const Observation &seen, std::uint32_t other_bits,
            const Connections &both, const Packet &packet, std::uint32_t mark) {
    const int victim = owner(seen);
    if (victim < 0 || victim == writer_) return;
    PairDecision &pair =
        decisions_.pairs[static_cast<std::size_t>(writer_ * owners_.count + victim)];
    if (pair.decision >= decision) return;
    pair.decision = decision;
    pair.example = {.ranks = *ranks_,
                    .packet = packet,
                    .before_with_writes = {.ct = both[0].mark, .nf = mark},
                    .before_without_writes = {.ct = both[1].mark, .nf = mark},
                    .seen = seen,
                    .other_bits = other_bits};
  }

  inline static const std::vector<bool> kNone;

  const Ruleset &ruleset_;
  const Owners &owners_;
  std::uint32_t bits_;
  std::vector<std::uint32_t> values_;  // that a mark can have
  Decisions decisions_;
  const Interpreter *interpreter_ = nullptr;
  const std::vector<std::uint32_t> *ranks_ = nullptr;
  int writer_ = 0;
  std::vector<bool> silenced_;
  std::vector<std::bitset<1 << 11>> reached_;  // by protocol
  std::vector<std::pair<Connections, std::size_t>> waiting_;
  std::array<Trace, 2> traces_;
  std::size_t replays_ = 0;
};

}  // namespace

Decisions decide_by_brute_force(const Ruleset &ruleset, const Owners &owners, std::uint32_t bits) {
  return Search(ruleset, owners, bits).decide();
}

}  // namespace connmark::test
