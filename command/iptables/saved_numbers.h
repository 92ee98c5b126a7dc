// SPDX-License-Identifier: GPL-2.0-or-later
//
// Marks and operations as iptables-save writes them, read without a copy: a text
// may have 100,000 of them.  All other spellings go the way that they go in the
// plugin.
#pragma once

#include <optional>
#include <string_view>

#include "command/iptables/rule_syntax.h"
#include "command/marks/mark_rule.h"
#include "command/output/number_text.h"

namespace connmark {

// "0x1/0xff", or "0x1" for a mask of all bits; nothing for another spelling.
std::optional<MarkAndMask> saved_mark_and_mask(std::string_view text);

// The operation of the target; nothing for another spelling.
std::optional<Operation> saved_operation(Target target, const RuleSyntax &syntax);

}  // namespace connmark
