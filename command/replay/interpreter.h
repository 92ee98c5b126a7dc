// SPDX-License-Identifier: GPL-2.0-or-later
//
// Replays one packet through a rule set as the kernel takes it there, with numbers
// for marks.  It shares no code with what the audit proves things with: a witness
// is printed only after it has been replayed here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "command/replay/packet.h"
#include "command/rule_set/ruleset.h"
#include "connmark/operation.h"

namespace connmark {

// A rule that the packet came to.
struct Step {
  Place place;
  RuleIndex rule = 0;
  bool matched = false;  // all of its matches and tests
  Marks marks;           // behind it
};

// Bits of a mark that a rule's test, or a policy rule, has looked at.
struct Observation {
  Place place;
  bool by_policy_rule = false;
  std::uint32_t observer = 0;  // a RuleIndex, or an index into Ruleset::policy_rules
  std::uint32_t test = 0;      // its index in the rule
  Mark mark = Mark::kPacket;
  std::uint32_t mask = 0;
  std::uint32_t bits = 0;  // what it saw of the mask

  bool is_same_look(const Observation &other) const {
    return place == other.place && by_policy_rule == other.by_policy_rule &&
           observer == other.observer && test == other.test;
  }
};

// kEndless: given up after kMostSteps rules.  The kernel takes no loops of jumps; a
// file can have them.
enum class End : std::uint8_t { kAccepted, kDropped, kEndless };
inline constexpr std::size_t kMostSteps = std::size_t{1} << 18;

struct Trace {
  std::vector<Step> steps;
  std::vector<Observation> observations;  // in their order
  End end = End::kAccepted;
  Marks marks;                           // at the end; that of the connection untouched without one
  bool was_tracked = false;              // connection tracking has given it a connection
  bool connection_is_confirmed = false;  // at the end
};

class Interpreter {
 public:
  // Of base chains of equal priority at a hook the one with the smaller rank runs
  // first; `ranks` has one for each chain, or is empty: in the order of the rule set.
  // nat chains run as one, at their hook's fixed priority (nf_nat_ipv4_ops), with the
  // smallest of their ranks, and among themselves by their own priorities.
  // `ruleset` has to outlive it.
  explicit Interpreter(const Ruleset &ruleset, std::span<const std::uint32_t> ranks = {});

  // `marks` are those before the way: of the packet, and of its connection, if any.
  // The writes of the rules that `silenced` holds true for are left out; empty: of none.
  Trace replay(const Packet &packet, Marks marks, Answers &answers,
               const std::vector<bool> &silenced = {}) const;
  // The same into a trace whose memory is used again.
  void replay(const Packet &packet, Marks marks, Answers &answers,
              const std::vector<bool> &silenced, Trace &trace) const;

  // The base chains of a hook in their order, for packets of `family`.
  const std::vector<ChainIndex> &base_chains(Family family, Hook hook) const {
    return base_chains_[family == Family::kIpv6 ? 1 : 0][static_cast<std::size_t>(hook)];
  }
  const Ruleset &ruleset() const { return ruleset_; }

 private:
  class Walk;

  // (source & mask) moved by `shift` to the left, or, negative, to the right.
  struct Term {
    Mark source;
    int shift;
    std::uint32_t mask;
  };
  struct Write {
    std::uint32_t constant = 0;
    std::uint32_t unknown = 0;
    std::vector<Term> terms;  // all are XORed
    bool reads_connection = false;
  };
  static Write compiled(const MarkWrite &write);

  static constexpr std::size_t kHooks = 7;

  const Ruleset &ruleset_;
  std::vector<std::vector<RuleIndex>> rules_of_;    // by chain
  std::vector<std::vector<Write>> writes_of_;       // by rule
  std::vector<ChainIndex> base_chains_[2][kHooks];  // IPv4, IPv6
  std::vector<std::uint32_t> policy_rules_[2];      // by priority
};

}  // namespace connmark
