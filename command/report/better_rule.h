// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules as they should be written.
#pragma once

#include <optional>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// `rule` as a CONNMARK or MARK, also where it is a statement of nft; nothing for
// what neither target can do.
std::optional<MarkRule> as_mark_rule(const MarkWrite &write);

// The same operation, kept to `bits` of the mark that it writes.
MarkRule kept_to(const MarkRule &rule, std::uint32_t bits);

// The rule with another target: its own text with the end replaced, or for nft
// the statement alone.
std::string with_mark_rule(const Rule &rule, bool is_nft, const MarkRule &mark_rule);

// The rule kept to `own` of the bits that `write`, one of its writes, changes; or else away from
// `harmed`.  Empty where neither target can do it.
std::string with_own_bits(const Rule &rule, bool is_nft, const MarkWrite &write, std::uint32_t own,
                          std::uint32_t harmed);

// The rule with one more match in front of what it does.
std::string with_match(const Rule &rule, bool is_nft, const MarkTest &test);

// The rule with `from` instead of `to` as a test.
std::string with_test(const Rule &rule, bool is_nft, const MarkTest &from, const MarkTest &to);

// As the tool of the rule writes it: "-m connmark ! --mark 0x0/0xff" or
// "ct mark and 0xff != 0x0".
std::string test_text(bool is_nft, const MarkTest &test);

}  // namespace connmark
