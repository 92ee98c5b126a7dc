// SPDX-License-Identifier: GPL-2.0-or-later
//
// How many packets came to each rule, and with which marks to each probe: as the
// kernel has counted them, and as the interpreter says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "command/replay/interpreter.h"

namespace connmark::test {

struct Counts {
  // By table, chain and number from 0.
  std::map<std::tuple<std::string, std::string, std::size_t>, std::uint64_t> by_rule;
  // By set of a probe, packet's mark and connection's.
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::uint64_t> by_probe;

  bool operator==(const Counts &) const = default;
};

// What `counts` has otherwise than `other`, a line each.
std::string differences(const Counts &counts, const Counts &other);

// Of the rule set of played_ruleset().
class ReplayedCounts {
 public:
  explicit ReplayedCounts(const Ruleset &ruleset);

  void add(const Trace &trace);

  Counts counts;

 private:
  const Ruleset &ruleset_;
  std::vector<std::size_t> numbers_;  // of rules, in their chains
};

// Adds what "iptables-save -c" and "nft -j list table" have printed.
void add_saved_rules(const std::string &saved, Counts &counts);
void add_nft_table(const std::string &json, Counts &counts);

}  // namespace connmark::test
