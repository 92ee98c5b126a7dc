// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds the rules of `ip rule` and `ip -6 rule` that look at the packet's mark, as
// an input of its own.  Anybody may read them.  On any failure a Refusal; a
// kernel without policy routing, or without IPv6, has none.
void read_kernel_policy_rules(Ruleset &ruleset);

// Adds what /proc/sys/net/ipv4/conf says of "all" and of each interface, but not
// of "default", which is no interface.  What is not there is left out.
void read_reverse_path_filters(Ruleset &ruleset);

}  // namespace connmark
