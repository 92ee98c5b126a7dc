// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/marks/mark_rule.h"
#include "command/nft/nft_version.h"

namespace connmark {

// What a statement needs; nothing where every release takes it.
struct NftNeeds {
  std::optional<Release> nft;
  std::optional<Release> linux_kernel;
};

// A shift: nft 0.9.4 and Linux 5.6.  Both marks on the right side: nft 1.1.2
// and Linux 6.13.
NftNeeds needs_of(const std::string &statement);

// The one nft statement that does what `rule` does, as iptables-translate
// writes it.
std::string nft_statement(const MarkRule &rule);

// The bodies of the nft rules that, one behind the other, do what `rule` does
// for all marks, and that this nft takes: the statement alone where it can be.
//
// Else each bit that is copied has a rule of its own, behind one that clears
// the bits they go to; such rules are to be tried for a packet either all or not
// at all, so none of them may get matches of its own: a match may look at the
// very mark that a rule before it has changed.
std::vector<std::string> nft_rules(const MarkRule &rule, const Release &nft);

// The youngest nft for which more than one rule may be needed is older.
inline constexpr Release kNftWithTwoSources{1, 1, 2};
inline constexpr Release kLinuxWithTwoSources{6, 13, 0};

}  // namespace connmark
