// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace connmark {

// A rule's matches in nft, and what has to stand at the end of the line.
struct NftMatches {
  std::string front;  // empty, or ending in a blank
  std::string back;   // empty, or a comment beginning with a blank
};

struct ChainAndMatches {
  std::string table;
  std::string chain;
  std::vector<std::string> words;  // -A CHAIN and the matches, without a target
};

// Has iptables-restore-translate write the matches of each rule.  Nothing where
// it cannot, or is not installed.
std::vector<std::optional<NftMatches>> nft_matches(const std::vector<ChainAndMatches> &rules,
                                                   bool ipv6);

}  // namespace connmark
