// SPDX-License-Identifier: GPL-2.0-or-later
//
// For each two owners whose bits can meet: can what the one writes change what the other
// one sees?  Two runs of the same packets, with the same outcome of all that is not about
// marks, one of them without the writer's mark writes, are followed through all packets of
// a connection, to the least fixed point of what its mark may be in both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/flow/attribute_values.h"
#include "command/flow/two_runs.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

using OwnerIndex = std::uint32_t;

// Whose each rule is.
struct OwnersOfRules {
  std::size_t count = 0;
  std::vector<OwnerIndex> of_rule;
  std::vector<OwnerIndex> of_policy_rule;
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
  std::uint32_t connection_mark = 0;            // before it, in the run as it is
  std::uint32_t connection_mark_without = 0;    // and in the other one
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

struct OwnerPair {
  OwnerIndex writer = 0;
  OwnerIndex victim = 0;
  PairVerdict verdict = PairVerdict::kUndecided;
  std::string reason;  // of kUndecided
  // Of kWitness, and of kKeptAway one of packets that only one run has; each has been replayed.
  std::optional<Witness> witness;
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

OwnerPairs find_owner_pairs(const Ruleset &ruleset, const OwnersOfRules &owners,
                            const FlowOptions &options = {});

}  // namespace connmark
