// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules put into the kernel byte by byte, without iptables.
#pragma once

#include <string>

#include "support/linked_plugin.h"
#include "support/private_network.h"

namespace connmark::test {

enum class BackEnd { kLegacy, kNft };

// Appends the rule "-j CONNMARK" with these bytes to OUTPUT of the mangle table,
// which a program of the back end must have made.  Returns 0 or the errno that
// the kernel answers.
int append_raw_rule(BackEnd back_end, Family family, Revision revision, const WireBytes &bytes);

}  // namespace connmark::test
