// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything of a machine's rules that has to do with marks, in one form for all
// sources: the readers next to this file fill it, the findings and the map are
// made from it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "command/marks/mark_expression.h"
#include "command/marks/mark_rule.h"

namespace connmark {

// kInet is nft's table for both IPv4 and IPv6.
enum class Family : std::uint8_t { kIpv4, kIpv6, kInet, kArp, kBridge, kNetdev };

// Where netfilter looks at a packet (enum nf_inet_hooks), and netdev's own.
enum class Hook : std::uint8_t {
  kPrerouting,
  kInput,
  kForward,
  kOutput,
  kPostrouting,
  kIngress,
  kEgress
};

// Of a base chain: NF_IP_PRI_* of linux/netfilter_ipv4.h.
inline constexpr int kRawPriority = -300;
inline constexpr int kConntrackPriority = -200;  // before it no packet has a connection
inline constexpr int kManglePriority = -150;
inline constexpr int kDestinationNatPriority = -100;
inline constexpr int kFilterPriority = 0;
inline constexpr int kSecurityPriority = 50;
inline constexpr int kSourceNatPriority = 100;

// Indices into the vectors of Ruleset.
using InputIndex = std::uint32_t;
using ChainIndex = std::uint32_t;
inline constexpr ChainIndex kNoChain = std::numeric_limits<ChainIndex>::max();

// What was read: a file, or a part of the running kernel.
struct Input {
  std::string name;     // "rules.v4", "standard input", "kernel: legacy ip tables"
  bool is_nft = false;  // rules are numbered by handle, and are written in nft's words
};

struct Chain {
  InputIndex input = 0;
  Family family = Family::kIpv4;
  std::string table;
  std::string name;
  std::optional<Hook> hook;  // a base chain has one
  int priority = 0;          // of a base chain
  // A packet whose mark this base chain has changed is routed again: mangle
  // OUTPUT, and nft's "type route hook output".
  bool reroutes = false;
};

// (mark & mask) is, or with `inverted` is not, `value`.
struct MarkTest {
  Mark mark = Mark::kPacket;
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
  bool inverted = false;
  bool value_known = true;  // false: compared with a set, a range or a map

  // Whether a packet whose bits of `mask` are all zero passes.
  constexpr bool passes_zero() const { return value_known && (value == 0) != inverted; }
};

struct MarkWrite {
  Mark mark = Mark::kPacket;
  MarkExpression value;
};

// A rule that tests or writes a mark, or that jumps to a chain.
struct Rule {
  ChainIndex chain = 0;
  std::uint32_t line = 0;    // in the input, counted from 1; 0 where it has no lines
  std::uint64_t number = 0;  // in its chain, counted from 1; in nft its handle, 0 where it has none
  // The rule as its own tool writes it, for iptables "-A CHAIN ... -j ...".
  // Empty for a rule that only jumps.
  std::string text;
  std::string comment;
  ChainIndex jump = kNoChain;  // the chain that it jumps or goes to
  bool is_goto = false;
  // It looks at anything besides marks, so that it does not see all packets.
  bool has_other_matches = false;
  bool ends_chain = false;  // ACCEPT, DROP, RETURN ... : packets that match go no further
  std::vector<MarkTest> tests;
  std::vector<MarkWrite> writes;  // in the order in which they happen
  // iptables' CONNMARK or MARK, from which a better one can be written.
  std::optional<MarkRule> mark_rule;
  // What touches a mark and cannot be folded, in words: "meta mark set ip saddr map @marks".
  std::vector<std::string> unknown;
};

// A rule of `ip rule` that looks at the packet's mark.
struct PolicyRule {
  InputIndex input = 0;
  Family family = Family::kIpv4;
  std::uint32_t priority = 0;
  std::uint32_t value = 0;
  std::uint32_t mask = kAllBits;
  bool inverted = false;  // "not"
  std::string text;       // "32765: from all fwmark 0x80/0x80 lookup 100"
};

// net.ipv4.conf.NAME.rp_filter and .src_valid_mark; the values of "all" apply to
// each interface as well: the larger rp_filter, and either src_valid_mark.
struct ReversePathFilter {
  std::string interface;
  int rp_filter = 0;  // 0 off, 1 strict, 2 loose
  bool src_valid_mark = false;
};

struct Ruleset {
  std::vector<Input> inputs;
  std::vector<Chain> chains;
  std::vector<Rule> rules;        // of each chain in their order; chains may be interleaved
  bool has_policy_rules = false;  // they were read, even if none looks at marks
  std::vector<PolicyRule> policy_rules;
  std::vector<ReversePathFilter> reverse_path_filters;  // empty where not known
};

}  // namespace connmark
