// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables' matches ask for, other than marks.
#pragma once

#include "command/read_kernel/xt_extensions.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds to `rule` what `match` asks for: attributes that Match knows, and, where
// these do not say all, the whole match in the words of iptables-save.
void add_other_match(const XtContext &context, const XtExtension &match, Rule &rule);

}  // namespace connmark
