// SPDX-License-Identifier: GPL-2.0-or-later
//
// The way of packets through the chains: which hooks call a chain, in which
// order rules come, and what their marks are known to be on arrival.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark {

// From a packet's arrival or birth to where it is delivered or leaves.
enum class Path : std::uint8_t { kDelivered, kForwarded, kSent };
inline constexpr std::array kPaths{Path::kDelivered, Path::kForwarded, Path::kSent};

// Where a rule comes on a path, in the order of the packet's visits; a chain
// may be visited more than once.
struct Visits {
  std::uint32_t first = 0;  // 0: never
  std::uint32_t last = 0;

  constexpr bool any() const { return first != 0; }
};

// From which base chains a chain is called.
struct Callers {
  bool before_conntrack = false;
  bool after_conntrack = false;
  bool before_routing = false;  // PREROUTING, or a chain that routes again
  bool after_routing = false;
  bool from_prerouting = false;
  bool from_output = false;
};

// What is known of the two marks (indexed by Mark) at some place.
struct KnownMarks {
  struct One {
    std::uint32_t mask = 0;   // these bits are known
    std::uint32_t value = 0;  // to be this
    // Some bit of each of these masks is not zero; 0 where there is none.
    std::array<std::uint32_t, 4> not_zero = {};

    std::uint32_t zero_bits() const { return mask & ~value; }
    bool some_bit_is_set(std::uint32_t of) const;
  };
  std::array<One, 2> marks;

  One &of(Mark mark) { return marks[static_cast<std::size_t>(mark)]; }
  const One &of(Mark mark) const { return marks[static_cast<std::size_t>(mark)]; }

  void passed(const MarkTest &test);
  void failed(const MarkTest &test);
  void written(Mark mark, std::uint32_t bits);
  // What holds on either of two ways.
  void meet(const KnownMarks &other);
};

class ChainPaths {
 public:
  explicit ChainPaths(const Ruleset &ruleset);

  // In their order.
  std::span<const RuleIndex> rules_of(ChainIndex chain) const;
  const Callers &callers_of(ChainIndex chain) const { return callers_[chain]; }
  const Visits &visits(Path path, RuleIndex rule) const {
    return visits_[static_cast<std::size_t>(path)][rule];
  }
  // On entering the chain, by whichever way.
  const KnownMarks &known_on_entry(ChainIndex chain) const { return known_[chain]; }
  // The bits that the chain and those that it calls may write.
  std::uint32_t written_by(ChainIndex chain, Mark mark) const {
    return written_[chain][static_cast<std::size_t>(mark)];
  }

  // Calls visitor(rule, known) for each rule, with what is known of packets that
  // pass its tests.
  template <typename Visitor>
  void each_rule(const Visitor &visitor) const {
    for (ChainIndex chain = 0; chain < first_rule_.size() - 1; ++chain) {
      KnownMarks known = known_[chain];
      for (const RuleIndex rule : rules_of(chain)) {
        const KnownMarks here = on_passing(ruleset_.rules[rule], known);
        visitor(rule, here);
        leave(ruleset_.rules[rule], known);
      }
    }
  }

 private:
  static KnownMarks on_passing(const Rule &rule, KnownMarks known);
  // Turns what is known before the rule into what is known behind it.
  void leave(const Rule &rule, KnownMarks &known) const;
  void sort_rules();
  void sort_chains();
  void find_callers();
  void find_written();
  void find_known();
  void walk(Path path);

  const Ruleset &ruleset_;
  std::vector<std::uint32_t> first_rule_;  // of each chain in `rules_`, and one more
  std::vector<RuleIndex> rules_;
  std::vector<ChainIndex> callers_first_;  // all chains, each behind those that call it
  std::vector<std::array<std::uint32_t, 2>> written_;
  std::vector<Callers> callers_;
  std::vector<KnownMarks> known_;
  std::array<std::vector<Visits>, kPaths.size()> visits_;
};

// Whether both families have packets in common.
bool meet(Family left, Family right);

}  // namespace connmark
