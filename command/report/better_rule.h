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

// Whose words a rule is written in.
struct RuleKind {
  bool is_nft = false;
  Family family = Family::kIpv4;
};

// These are made from what the rule's words are, and are empty for a rule of
// iptables that is not known whole, or is longer than 4 KB.

// The rule with another target; for nft the statement alone, and nothing if the nft
// or the kernel here does not take it.
std::string with_mark_rule(const Rule &rule, RuleKind kind, const MarkRule &mark_rule);

// The rule kept to `own` of the bits that `write`, one of its writes, changes; or else away from
// `harmed`.  Empty where neither target can do it.
std::string with_own_bits(const Rule &rule, RuleKind kind, const MarkWrite &write,
                          std::uint32_t own, std::uint32_t harmed);

// The rule with one more match in front of what it does.
std::string with_match(const Rule &rule, RuleKind kind, const MarkTest &test);

// The rule with `to` instead of `from` as a test.
std::string with_test(const Rule &rule, RuleKind kind, const MarkTest &from, const MarkTest &to);

// As the tool of the rule writes it: "-m connmark ! --mark 0x0/0xff" or
// "ct mark and 0xff != 0x0".
std::string test_text(bool is_nft, const MarkTest &test);

}  // namespace connmark
