// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <optional>

#include "command/rule_set/ruleset.h"

namespace connmark {

// The rule of `ip rule` in an RTM_NEWRULE message of the kernel, all but its
// input, with the text that `ip rule` prints, words parted by single blanks.
// Nothing for any other message.
std::optional<PolicyRule> policy_rule_of(const nlmsghdr &message);

}  // namespace connmark
