// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// Everything that the kernel holds for the network that this process is in, and
// in `not_looked_at` what it does not have, or does not show.  Nothing is changed
// by reading it.  A Refusal where nf_tables may not be read and no legacy table
// was: it takes CAP_NET_ADMIN.
Ruleset read_running_kernel();

}  // namespace connmark
