// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "command/iptables/saved_rules.h"
#include "command/nft/nft_version.h"

namespace connmark {

struct TranslatedRule {
  int line = 0;
  std::string table;
  std::string chain;
  std::string rule;  // as it was read
  // False: the matches have no translation, or a name is none in nft, as `reason`
  // says, and `nft` is what to do to the packets that get there.
  bool complete = true;
  std::string reason;
  std::vector<std::string> nft;  // commands of an nft file
  std::vector<std::string> warnings;
};

// The rules among `saved` whose target is CONNMARK or MARK, for `nft`.  Where a
// rule with matches takes several rules, they are in a chain that is named by what
// they do: the matches are then looked at once, before any mark has changed, and
// a chain that another rule has made for the same is as good.  A rule that the
// plugin would refuse is a Refusal that names the line.
std::vector<TranslatedRule> translated_rules(const SavedRules &saved, const Release &nft);

}  // namespace connmark
