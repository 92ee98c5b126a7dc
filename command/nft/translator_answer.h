// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables-restore-translate writes for a rule, and whether it can be
// believed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command/nft/nft_matches.h"

namespace connmark {

// False where a rule of these words, given to iptables-restore-translate, might
// be read otherwise than as a rule, or start another program.
bool can_be_asked(const std::vector<std::string> &words);

// One line of an answer, the rule's matches and its comment, for `words`.  False
// if it holds what is not in them, or holds it where it means something else.
bool add_rule(std::string_view matches, std::string_view behind,
              const std::vector<std::string> &words, NftMatches &result);

// A set that the next rule looks at.  `line` begins behind "add set ip TABLE ".
std::optional<NftSet> read_set(std::string_view line);

}  // namespace connmark
