// SPDX-License-Identifier: GPL-2.0-or-later
//
// Matches and targets of iptables as the kernel holds them, in legacy tables and
// in nf_tables alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "command/rule_set/rule_marks.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

struct XtExtension {
  std::string name;
  std::uint8_t revision = 0;
  std::span<const std::byte> data;
};

// Of the rule that an extension is in.
struct XtContext {
  Family family = Family::kIpv4;
  std::uint8_t protocol = 0;  // that the rule's packets are limited to, 0 for none
};

// These add to `rule`, and to `marks`, which was made of it, what the extension
// asks for, tests and writes, and where the rule sends packets.  True where it
// has to do with marks.  A revision, or a size, that is not known is said in
// words.
bool add_match(const XtContext &context, const XtExtension &match, Rule &rule, RuleMarks &marks);
bool add_target(const XtExtension &target, Rule &rule, RuleMarks &marks);

// The rule hands the packet's mark to something that looks at it, as a program
// behind NFQUEUE.
void read_packet_mark(Rule &rule);

}  // namespace connmark
