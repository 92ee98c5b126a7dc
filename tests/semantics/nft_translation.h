// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables-translate makes of rules with the plugin under test.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connmark/operation.h"
#include "support/private_network.h"

namespace connmark::test {

// The nft statement of each operation, by its options as options_for() writes
// them.  A declined translation is a std::runtime_error.
std::map<std::string, std::string> translations(Family family, const std::vector<Operation> &ops);

// Whether the right side of a statement names the marks of both connection and
// packet, which takes nft 1.1.2 and Linux 6.13.
bool has_two_sources(std::string_view statement);

// Whether the command `nft` can load such a statement into this kernel.  To be
// called inside a private network.
bool loads_two_sources(const std::vector<std::string> &nft);

}  // namespace connmark::test
