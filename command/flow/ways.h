// SPDX-License-Identifier: GPL-2.0-or-later
//
// The places that a packet passes, in their order.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "command/flow/packet_variables.h"
#include "command/replay/packet.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// Base chains that come one behind the other, in groups of the same priority.
using ChainsInOrder = std::vector<std::vector<ChainIndex>>;

// Where something happens to a packet.
struct Stop {
  enum class Kind : std::uint8_t {
    kChains,     // one behind the other, nobody knows in which order
    kConntrack,  // the packet gets its connection
    kRouting,    // the rules of `ip rule` are asked
    kConfirm,    // a connection that has come this far lives on
  };
  Kind kind = Kind::kChains;
  std::vector<ChainsInOrder> chains;
  Hook hook = Hook::kPrerouting;
  bool has_in_interface = false;
  bool has_out_interface = false;
  NatStage stage = NatStage::kBefore;
};

// For packets of `family`, kIpv4 or kIpv6.  Sources of the order: nf_hook_entries of
// net/netfilter/core.c, ip_rcv, ip_local_deliver, ip_forward, __ip_local_out and
// ip_output.  Chains of nat share one place in each hook (nf_nat_ipv4_ops), whatever their
// priorities, which order them there.
std::vector<Stop> stops_of(const Ruleset &ruleset, Family family, Way way);

// The chains of all of them, by which the choice of an order is named.
std::vector<ChainIndex> chains_in(const std::vector<ChainsInOrder> &chains);

// The names of all choices of an order in `stops`, and among how many.
using Unordered = std::map<std::vector<ChainIndex>, std::size_t>;
Unordered unordered_chains(const std::vector<Stop> &stops);

}  // namespace connmark
