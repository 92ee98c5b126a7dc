// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <istream>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds the rules to `ruleset`, from what
// "ip -j rule", "ip -j -6 rule", or either without -j, has printed; `name` is
// that of the file in messages.  Any other text is a Refusal that names the
// line, and then `ruleset` is as before.
//
// None of them says which family it is of.  Addresses tell; else a list without
// the rule for table "default", which the kernel makes for IPv4 only, is of IPv6.
void read_policy_rules(std::istream &in, const std::string &name, Ruleset &ruleset);

}  // namespace connmark
