// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds the tables of iptables-legacy and ip6tables-legacy that the kernel holds;
// none is not an error.  It takes CAP_NET_ADMIN: without it, and on any other
// failure, a Refusal.
void read_legacy_tables(Ruleset &ruleset);

}  // namespace connmark
