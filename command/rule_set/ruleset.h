// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything of a machine's rules that has to do with marks, in one form for all
// sources: the readers next to this file fill it, the findings and the map are
// made from it.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
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
using RuleIndex = std::uint32_t;
inline constexpr ChainIndex kNoChain = std::numeric_limits<ChainIndex>::max();

// A source that was looked at: a file, or a part of the running kernel.
struct Input {
  std::string name;         // "rules.v4", "standard input", "kernel: legacy ip tables"
  bool is_nft = false;      // rules are numbered by handle, and are written in nft's words
  bool is_sysctls = false;  // settings of interfaces instead of rules
  // How many rules it has, those that are not kept included, or interfaces.
  std::uint64_t rules = 0;
};

// Why a source, or a part of one, was not looked at.
enum class Gap : std::uint8_t {
  kAbsent,        // this kernel does not have it
  kNotGiven,      // files were given, and none of this kind
  kNotPermitted,  // it is, or may be, there, and this user may not read it
  kUnreadable,    // it is, or may be, there, and reading it failed
  kSkipped,       // a part that means nothing to the reader
};

struct Omission {
  std::string name;  // as that of an Input, or "rules.v4: line 12"
  Gap gap = Gap::kAbsent;
  std::string why;  // in words, empty where `gap` says all

  // Something may be there that the audit does not know of.
  bool leaves_incomplete() const { return gap != Gap::kAbsent && gap != Gap::kNotGiven; }
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
  // A base chain that sees only packets of connections which are not yet
  // confirmed: iptables' table nat, and nft's "type nat".
  bool is_nat = false;
  bool policy_drops = false;  // of a base chain: packets that come to its end are dropped
};

// What a match other than of marks looks at.
enum class Attribute : std::uint8_t {
  kInInterface,          // text: the name; a final '+' stands for any end
  kOutInterface,         // the same
  kProtocol,             // from: the number of IANA
  kSource,               // text: ADDRESS/LENGTH, zero behind the prefix, as inet_ntop writes it
  kDestination,          // the same
  kSourcePort,           // from, to: both included
  kDestinationPort,      // the same
  kConnectionState,      // from: the kState... that pass
  kConnectionDirection,  // from: 0 original, 1 reply; no packet without a connection passes
  kIpVersion,            // from: 4 or 6
  kHasConnection,        // the packet has one, be it ever so new
  kOther,                // text: its words
};

// Of kConnectionState; a packet is in exactly one of them.
inline constexpr std::uint32_t kStateNew = 1;
inline constexpr std::uint32_t kStateEstablished = 2;
inline constexpr std::uint32_t kStateRelated = 4;
inline constexpr std::uint32_t kStateInvalid = 8;     // no connection
inline constexpr std::uint32_t kStateUntracked = 16;  // no connection

// Packets pass that have, or with `inverted` have not, what it asks for.
struct Match {
  Attribute attribute = Attribute::kOther;
  bool inverted = false;
  // Of kOther: the same words pass the same packet each time; false where they
  // count, draw lots, or look at the clock.
  bool is_stable = false;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::string text;

  bool operator==(const Match &) const = default;
};

// (mark & mask) is, or with `inverted` is not, `value`.  No packet without a
// connection passes a test of the connection's mark.
struct MarkTest {
  Mark mark = Mark::kPacket;
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
  bool inverted = false;
  bool value_known = true;  // false: compared with a set, a range or a map
  bool decides = true;      // false: the bits are used, and every packet passes
};

// Done to packets that pass the first `matches_before` matches and the first
// `tests_before` tests of the rule: nft goes from left to right.  Without a
// connection nothing is written from or to its mark, and a rule of nft that reads
// it goes no further.
struct MarkWrite {
  Mark mark = Mark::kPacket;
  MarkExpression value;  // in terms of the marks before the rule
  std::uint32_t matches_before = 0;
  std::uint32_t tests_before = 0;
};

// Where a packet goes that has passed all of a rule.
enum class Verdict : std::uint8_t {
  kContinue,  // to the next rule
  kAccept,    // to the next base chain: also NFQUEUE, DNAT, TPROXY and their like
  kDrop,      // nowhere: also REJECT, SYNPROXY, and packets taken away
  kReturn,    // behind the jump to this chain; of a base chain to its policy
  kJump,
  kGoto,
};

struct Branch {
  Verdict verdict = Verdict::kContinue;
  ChainIndex chain = kNoChain;  // of kJump and kGoto

  bool operator==(const Branch &) const = default;
};

// A rule that has to do with marks, or with the way of packets.
struct Rule {
  ChainIndex chain = 0;
  std::uint32_t line = 0;    // in the input, counted from 1; 0 where it has no lines
  std::uint64_t number = 0;  // in its chain, counted from 1; in nft its handle, 0 where it has none
  // The rule as its own tool writes it, for iptables "-A CHAIN ... -j ...".
  // Empty for a rule without marks.
  std::string text;
  std::string comment;
  std::vector<Match> matches;     // all have to pass
  std::vector<MarkTest> tests;    // and all of these, of the marks before the rule
  std::vector<MarkWrite> writes;  // in the order in which they happen
  Branch outcome;
  // Of a verdict map: a packet that passes takes one of these, or goes on to the
  // next rule.  Maps are shared by the rules that name them.
  std::shared_ptr<const std::vector<Branch>> branches;
  bool untracks = false;  // NOTRACK: the packet gets no connection
  // iptables' CONNMARK or MARK, from which a better one can be written.
  std::optional<MarkRule> mark_rule;
  // What touches a mark and cannot be folded, in words: "meta mark set ip saddr map @marks".
  std::vector<std::string> unknown;

  bool is_goto() const { return outcome.verdict == Verdict::kGoto; }
  bool has_other_matches() const { return !matches.empty(); }
  bool touches_marks() const { return !tests.empty() || !writes.empty() || !unknown.empty(); }
  bool ends_chain() const {
    return outcome.verdict == Verdict::kAccept || outcome.verdict == Verdict::kDrop ||
           outcome.verdict == Verdict::kReturn;
  }
};

// What a rule of `ip rule` does with a packet (FR_ACT_* of linux/fib_rules.h).
enum class RoutingAction : std::uint8_t {
  kLookup,     // looks into a table, and goes to the next rule if that has no route
  kGoto,       // goes on at the first rule of priority `target`
  kNop,        // goes to the next rule
  kBlackhole,  // these three end the search without a route
  kUnreachable,
  kProhibit,
  kOther,
};

// A rule of `ip rule`.  It applies to packets that pass all `matches` and whose
// (mark & mask) is `value`; an inverted one to all others.
struct PolicyRule {
  InputIndex input = 0;
  Family family = Family::kIpv4;
  RoutingAction action = RoutingAction::kLookup;
  bool inverted = false;  // "not"
  std::uint32_t priority = 0;
  std::uint32_t value = 0;
  std::uint32_t mask = 0;  // 0 where it does not look at the mark
  // Of kLookup: the table's number, and its name as `ip` writes it, "main" or "100".
  // No number where a file has a name that need not mean the same on this machine;
  // neither where the table is that of the packet's l3mdev.
  std::optional<std::uint32_t> table;
  std::string table_name;
  // Of kLookup: routes whose prefix is not longer than this do not count.
  std::optional<std::uint32_t> suppress_prefixlength;
  // Of kGoto; nothing where there is no such rule.
  std::optional<std::uint32_t> target;
  // kSource, kDestination, kProtocol, ports, and interfaces: kInInterface "lo" is
  // for packets that this machine sends, and a name is whole, without a final '+'.
  // kOther: "tos 0x10", "uidrange 0-99", "lookup [l3mdev-table]" and the like.
  std::vector<Match> matches;
  std::string text;  // "32765: from all fwmark 0x80/0x80 lookup 100"

  bool looks_at_mark() const { return mask != 0; }
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
  std::vector<Rule> rules;  // of each chain in their order; chains may be interleaved
  std::vector<Omission> not_looked_at;
  bool has_policy_rules = false;  // they were read, even if there are none
  std::vector<PolicyRule> policy_rules;
  std::vector<ReversePathFilter> reverse_path_filters;  // empty where not known
};

}  // namespace connmark
