// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds the tables of nf_tables, those that iptables-nft has made as an input of
// their own; none is not an error.  Tables that are switched off (dormant) are
// left out.  False where the kernel has no nf_tables.  It takes CAP_NET_ADMIN:
// without it an AccessRefusal, on any other failure a Refusal.
bool read_nf_tables(Ruleset &ruleset);

}  // namespace connmark
