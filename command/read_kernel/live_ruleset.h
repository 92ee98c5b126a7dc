// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

// Everything that the kernel holds for the network that this process is in.
// Nothing is changed by reading it.  It takes CAP_NET_ADMIN: without it, and on
// any other failure, a Refusal.
Ruleset read_running_kernel();

}  // namespace connmark
