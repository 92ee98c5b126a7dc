// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "command/nft/nft_text.h"

namespace connmark {

// The matches of a rule of iptables.
struct Matches {
  bool ipv6 = false;
  std::string table;
  std::vector<std::string> words;
};

struct NftSet {
  NftName name;
  NftTokens definition;  // in braces
};

// The same in nft.
struct NftMatches {
  // Why there are none in nft; empty if there are.
  std::string reason;
  // What is to be added before the rule, and stands behind @ in the rules.
  std::vector<NftSet> sets;
  // A rule of nft for each, in this order, more than one for a list of addresses.
  std::vector<NftTokens> rules;
  std::string comment;  // as it was read
};

// Has iptables-restore-translate write the matches of each rule, in one start of
// it for 500 rules and one more for each rule that it cannot read.
//
// What it answers is as hostile as the rules: it escapes nothing.  Taken is what
// nft_tokens() can split, whose names are names, whose strings are words of the
// rule, and in which each word of the rule that has blanks or signs is a string.
std::vector<NftMatches> nft_matches(const std::vector<Matches> &rules);

}  // namespace connmark
