// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel and iptables agree on without writing it into any rule.
#pragma once

#include <optional>
#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

struct BuiltinChain {
  Hook hook = Hook::kPrerouting;
  int priority = 0;
  bool reroutes = false;
};

// Where the kernel calls the built-in chain `chain` of iptables' table `table`
// (its ip_tables and ip6_tables modules, for instance iptable_mangle.c, and
// xtables_ipv4 of iptables-nft say the same); nothing for a chain that users make.
std::optional<BuiltinChain> builtin_chain(std::string_view table, std::string_view chain);

}  // namespace connmark
