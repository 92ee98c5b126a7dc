// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule of nf_tables, which is a program for a small machine of registers,
// folded back into what it tests and writes.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark {

struct NftJump {
  ChainIndex chain = kNoChain;
  bool is_goto = false;

  constexpr Branch branch() const { return {is_goto ? Verdict::kGoto : Verdict::kJump, chain}; }
  constexpr bool operator==(const NftJump &) const = default;
};

// A set or map.
struct NftSet {
  bool is_anonymous = false;
  std::uint32_t key_size = 0;
  std::vector<NftJump> jumps;  // of a verdict map: where its elements lead, each once
};

// What the rules of a table refer to by name.
struct NftTable {
  Family family = Family::kIpv4;
  bool is_of_iptables = false;  // iptables-nft has made it
  std::unordered_map<std::string, ChainIndex> chains;
  std::unordered_map<std::string, NftSet> sets;

  ChainIndex chain(std::string_view name) const;
};

// `expressions` is NFTA_RULE_EXPRESSIONS, `user_data` NFTA_RULE_USERDATA; either
// may be null.  Fills in all of `rule` but chain and number.  A rule that leads to
// several chains, by a verdict map, has the second and later ones in the result.
std::vector<NftJump> read_nft_rule(const NftTable &table, std::string_view chain,
                                   const nlattr *expressions, const nlattr *user_data, Rule &rule);

// Whether one of the expressions is a match or target of iptables.
bool has_xt_expression(const nlattr *expressions);

// The chain and kind of the jump in `data`, which holds enum nft_data_attributes.
NftJump jump_of(const NftTable &table, const nlattr *data);

}  // namespace connmark
