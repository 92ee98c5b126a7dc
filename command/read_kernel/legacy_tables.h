// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// The name of its input.
const char *legacy_source(Family family);

// Adds the tables of iptables-legacy (kIpv4) or ip6tables-legacy (kIpv6) that the
// kernel holds, as an input of their own; none is not an error.  False where the
// kernel has no such tables.  It takes CAP_NET_ADMIN: without it an
// AccessRefusal, on any other failure a Refusal; then `ruleset` is half filled.
bool read_legacy_tables(Family family, Ruleset &ruleset);

}  // namespace connmark
