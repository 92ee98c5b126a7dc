// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <istream>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds what iptables-save or ip6tables-save has written to `ruleset`; `name` is
// that of the file in messages.  Several tables, and a table in several parts,
// may stand one behind the other.  Any other text is a Refusal that names the
// line, and then `ruleset` is as before.
//
// The family is told by the comment that both tools write, else by addresses
// and protocols, else it is IPv4.
void read_iptables_save(std::istream &in, const std::string &name, Ruleset &ruleset);

}  // namespace connmark
