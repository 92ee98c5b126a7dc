// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule of nf_tables, which is a program for a small machine of registers,
// folded back into what it tests and writes.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark {

// A set or map.
struct NftSet {
  bool is_anonymous = false;
  std::uint32_t key_size = 0;
  // Of a verdict map: where its elements lead, each once.
  std::shared_ptr<std::vector<Branch>> branches;
};

// What the rules of a table refer to by name.
struct NftTable {
  Family family = Family::kIpv4;
  bool is_of_iptables = false;  // iptables-nft has made it
  std::unordered_map<std::string, ChainIndex> chains;
  std::unordered_map<std::string, NftSet> sets;

  ChainIndex chain(std::string_view name) const;
};

// What a rule has to do with sets and maps that have a name.
struct NftSetUses {
  std::vector<std::pair<std::uint32_t, std::string>> lookups;  // by which of its matches
  std::vector<std::string> changed;                            // by the rule itself
};

// `expressions` is NFTA_RULE_EXPRESSIONS, `user_data` NFTA_RULE_USERDATA; either
// may be null.  Fills in all of `rule` but chain and number.
NftSetUses read_nft_rule(const NftTable &table, std::string_view chain, const nlattr *expressions,
                         const nlattr *user_data, Rule &rule);

// Whether one of the expressions is a match or target of iptables.
bool has_xt_expression(const nlattr *expressions);

// The verdict in `data`, which holds enum nft_data_attributes; kContinue for what
// is none, and for a chain that the table does not have.
Branch branch_of(const NftTable &table, const nlattr *data);

}  // namespace connmark
