// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random rule sets in the words of iptables and nft that UDP flows can play, over
// the loopback interface or through one named "left", each with what its writer
// knows that it means.
#pragma once

#include <string>

#include "command/rule_set/ruleset.h"
#include "support/random_rules.h"

namespace connmark::test {

// Ports of the flow's servers.
inline constexpr std::uint32_t kPlayedPorts[] = {7, 9};

struct PlayedRuleset {
  // Chains of the table "probe" have two rules, which pass packets with and without a
  // connection; chains that nft counts packets in have rules with `number` from 1.
  Ruleset ruleset;
  std::string for_iptables;  // text for iptables-restore or ip6tables-restore
  std::string for_nft;       // the tables inet "played" and inet "probe"
};

// `family` is kIpv4 or kIpv6.
PlayedRuleset played_ruleset(RandomRules &random, Family family);

}  // namespace connmark::test
