// SPDX-License-Identifier: GPL-2.0-or-later
//
// Matches and targets in iptables' words, written by iptables' own plugins.
#pragma once

#include <cstdint>
#include <string>

#include "command/read_kernel/xt_extensions.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// As iptables-save writes them: " -m mark --mark 0x1", " -j CONNMARK --save-mark".
// `protocol` is what the rule's packets are limited to, 0 for none.  A plugin
// that is not there, or that fails, leaves the name and "[...]".
std::string match_text(Family family, std::uint8_t protocol, const XtExtension &match);
std::string target_text(Family family, std::uint8_t protocol, const XtExtension &target);

// "tcp", or the number of a protocol without a name.
std::string protocol_text(std::uint8_t protocol);

// "-s 10.0.0.0/8" and the like: " !" and the option, the address, and its mask as
// a length where it is one.  Empty for a mask without a bit.
std::string address_text(const char *option, Family family, const void *address, const void *mask,
                         bool inverted);

}  // namespace connmark
