// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet that is replayed, and what only it knows: the answers of matches that
// are not about marks, and of what rules do that could not be read.
#pragma once

#include <cstdint>

#include "command/rule_set/ruleset.h"

namespace connmark {

// An index into Ruleset::rules.
using RuleIndex = std::uint32_t;

enum class Way : std::uint8_t {
  kReceived,   // ingress, PREROUTING, routing, INPUT
  kForwarded,  // ingress, PREROUTING, routing, FORWARD, POSTROUTING, egress
  kSent,       // routing, OUTPUT, POSTROUTING, egress
  // Sent over the loopback interface: as kSent, then ingress, PREROUTING and INPUT
  // with the same mark and connection.  It keeps its route: ip_rcv_finish looks for
  // none where the packet has one (measured on Linux 6.18).
  kLooped,
};

struct Packet {
  Family family = Family::kIpv4;  // kIpv4 or kIpv6
  Way way = Way::kSent;
  bool is_reply = false;
  // One of kState...: what connection tracking finds, unless a rule untracks the
  // packet before.
  std::uint32_t state = kStateNew;
  bool connection_is_confirmed = false;  // before this packet
};

// Where a packet is.  Two packets of the same way are at the same place, or one
// packet is at the same place in two replays, where all members are equal.
struct Place {
  std::uint8_t stop = 0;  // which hook of the way, counted from 0
  Hook hook = Hook::kPrerouting;
  ChainIndex base = kNoChain;  // the base chain; kNoChain: the routing before or behind the hook
  std::uint64_t returns = 0;   // a hash of the jumps that a return goes back to, the last included

  bool operator==(const Place &) const = default;
};

// What a rule asks of a packet beside the marks.
struct Question {
  Place place;
  RuleIndex rule = 0;
  std::uint32_t index = 0;  // of the match, test or write in its rule
  // A hash of the bits that the rule's tests have looked at: an answer that hangs
  // on marks hangs on these alone.
  std::uint64_t looked_at = 0;
};

// The answers.  The interpreter itself knows the family, the connection's state and
// direction, whether there is a connection, and which interfaces a hook has.
class Answers {
 public:
  virtual ~Answers() = default;

  // Whether the packet has what the match asks for, inverted or not.
  virtual bool passes(const Question &question, const Match &match) = 0;

  // Whether a packet with these bits of the test's mask passes a test whose value
  // is not known.
  virtual bool passes_unknown_test(const Question &question, std::uint32_t bits) = 0;

  // A value for the bits of `unknown`; other bits of it count for nothing.
  virtual std::uint32_t unknown_value(const Question &question, std::uint32_t unknown) = 0;

  // Which of `count` branches the packet takes; `count` for none of them.
  virtual std::size_t branch(const Question &question, std::size_t count) = 0;

  // Whether a rule of a nat chain that accepts translates addresses (DNAT, MASQUERADE),
  // so that later nat chains do not see the packet; behind ACCEPT they do.
  virtual bool translates(const Question &question) = 0;
};

}  // namespace connmark
