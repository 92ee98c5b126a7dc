// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of the mangle table as they lie in the kernel, read without
// iptables and without any plugin.
#pragma once

#include <string>
#include <vector>

#include "support/private_network.h"

namespace connmark::test {

enum class BackEnd { kLegacy, kNft };

struct ConnmarkTarget {
  int revision = 0;
  std::string bytes;  // 32 hexadecimal digits
};

struct TableRule {
  std::string chain;
  std::string rest;  // everything else of the rule but its counters, in hexadecimal
  std::vector<ConnmarkTarget> targets;
};

// In the kernel's order, chain by chain.  Empty where there is no such table.
std::vector<TableRule> read_mangle_table(BackEnd back_end, Family family);

// All their CONNMARK targets, in this order.
std::vector<ConnmarkTarget> connmark_targets(const std::vector<TableRule> &rules);

}  // namespace connmark::test
