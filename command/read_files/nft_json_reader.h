// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <istream>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds what "nft -j list ruleset" has printed to `ruleset`; `name` is that of
// the file in messages.  Any other text, and a list that is not whole, is a
// Refusal that names line and column, and then `ruleset` is as before.
//
// nft does not show the options of iptables' matches and targets in JSON: those
// that touch marks are said in words.
void read_nft_json(std::istream &in, const std::string &name, Ruleset &ruleset);

}  // namespace connmark
