// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a rule stands, in the words of its own tool.
#pragma once

#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// As nft writes it: "ip6".
const char *name(Family family);

// "ip mangle PREROUTING"
std::string chain_text(const Chain &chain);

// "rules.v4:12: ip mangle PREROUTING, rule 3"
std::string place_text(const Ruleset &ruleset, const Rule &rule);

}  // namespace connmark
