// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <istream>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Reads what `sysctl -a`, or `sysctl net.ipv4.conf`, prints: rp_filter and
// src_valid_mark of "all" and of each interface, but not of "default".  Other names are passed
// over; a line that is none of sysctl's, or a text without any of these names, is a Refusal that
// names `name` and the line.
void read_sysctls(std::istream &in, const std::string &name, Ruleset &ruleset);

}  // namespace connmark
