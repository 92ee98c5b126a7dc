// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/rule_set/ruleset.h"

namespace connmark {

inline constexpr const char *kPolicyRulesSource = "kernel: ip rules";
inline constexpr const char *kReversePathSource = "kernel: reverse-path checks";

// Adds the rules of `ip rule` and `ip -6 rule`, as an input of its own.  Anybody
// may read them.  On any failure a Refusal; a kernel without policy routing, or
// without IPv6, has none.
void read_kernel_policy_rules(Ruleset &ruleset);

// Adds what /proc/sys/net/ipv4/conf says of "all" and of each interface, but not
// of "default", which is no interface, as an input of its own.  On any failure a
// Refusal, and then nothing is added.
void read_reverse_path_filters(Ruleset &ruleset);

}  // namespace connmark
