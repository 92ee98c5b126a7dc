// SPDX-License-Identifier: GPL-2.0-or-later
//
// Can what some rules write change what others see?  For each two owners whose bits can meet:
// can the one change what the other looks at?  Two runs of the same packets, with the same outcome
// of all that is not about marks, one of them without the writer's mark writes, are followed
// through all packets of a connection, to the least fixed point of what its mark may be in both.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "command/flow/attribute_values.h"
#include "command/flow/bit_traffic.h"
#include "command/flow/two_runs.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// In groups: those of one owner, or each by itself.
struct GroupedRules {
  std::size_t count = 0;
  std::vector<std::uint32_t> of_rule;         // below `count`
  std::vector<std::uint32_t> of_policy_rule;  // the same
};

// A packet of a connection, by its way and direction.
struct KindOfPacket {
  Way way = Way::kForwarded;
  bool is_reply = false;
};

// A packet of a witness, as far as it had to be chosen.
struct WitnessPacket {
  Packet packet;
  std::uint32_t start_mark = 0;
  std::uint32_t connection_mark = 0;          // before it, in the run as it is
  std::uint32_t connection_mark_without = 0;  // and in the other one
  bool is_icmp_error = false;
  // Indexed by Attribute, and for each nat stage; nothing for what is not known.
  std::vector<std::array<std::optional<AttributeValue>, 3>> values;
  std::vector<std::pair<std::string, bool>> words;  // of stable other matches
  // Of other free decisions, each with its value in the two runs.
  struct Decision {
    FreeDecision place;
    std::array<bool, kRuns> value = {};
  };
  std::vector<Decision> decisions;
  std::vector<std::uint32_t> ranks;  // of chains, where their order is not known
};

struct Witness {
  Family family = Family::kIpv4;
  std::vector<WitnessPacket> packets;  // of one connection, the last one is looked at
  bool by_policy_rule = false;
  RuleIndex observer = 0;  // or a policy rule's index
  Mark mark = Mark::kPacket;
  std::uint32_t bits = 0;  // that the observer looks at
};

enum class PairVerdict : std::uint8_t { kApart, kKeptAway, kWitness, kUndecided };

// What a group of observers can see of it that some rules write no marks.
struct Effect {
  PairVerdict verdict = PairVerdict::kApart;
  std::string reason;  // of kUndecided
  // Of kWitness, and of kKeptAway one of packets that only one run has; each has been replayed.
  std::optional<Witness> witness;
};

struct OwnerPair {
  std::uint32_t writer = 0;  // both groups of GroupedRules
  std::uint32_t victim = 0;
  Effect effect;
};

// What is taken for possible, and how much may be spent.
struct FlowOptions {
  // Of each kind of connection the packets that it has.  A reply comes the way back.
  std::vector<std::vector<KindOfPacket>> connections = {
      {{Way::kForwarded, false}, {Way::kForwarded, true}},
      {{Way::kReceived, false}, {Way::kSent, true}},
      {{Way::kSent, false}, {Way::kReceived, true}},
      {{Way::kLooped, false}, {Way::kLooped, true}}};
  // Received packets may have any mark when they come to the first chain: something outside
  // of the rules sets it.  That sent ones may, since programs can, is always taken for true.
  bool received_are_marked = false;
  // ICMP errors, which use the connection that they quote, are packets, too.
  bool has_icmp_errors = true;
  // Packets of a connection have its addresses and ports.
  bool addresses_stay = true;
  std::size_t nodes_of_question = std::size_t{1} << 20;  // of 16 bytes
  std::size_t nodes_of_all = std::size_t{1} << 24;
};

struct OwnerPairs {
  std::vector<OwnerPair> pairs;
  std::size_t no_bit_in_common = 0;  // of all other pairs of a writer and a reader
};

class MarkFlow {
 public:
  // Both have to outlive it.
  explicit MarkFlow(const Ruleset &ruleset, const FlowOptions &options = {});

  // For each group of `observers` whether, and how, it makes a difference to it when the rules
  // of `silenced` (one for each rule) write no marks.  Groups of `not_asked` are passed over.
  std::vector<Effect> without(const std::vector<bool> &silenced, const GroupedRules &observers,
                              const std::vector<bool> &not_asked);

  // All pairs of a writer and a reader whose bits can meet.
  OwnerPairs pairs(const GroupedRules &owners);

 private:
  BitsOfBoth reached_from(const std::vector<bool> &silenced) const;

  const Ruleset &ruleset_;
  FlowOptions options_;
  BitTraffic traffic_;
  RulesOfChains of_chains_;
  std::vector<const Match *> matches_;
  bool has_nat_ = false;
  std::size_t nodes_left_ = 0;
  // Families, and indices of options_.connections, that are not to be tried again.
  std::set<std::pair<Family, std::size_t>> has_too_many_ways_;

  friend class SilencedFlow;
};

}  // namespace connmark
