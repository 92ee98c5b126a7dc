// SPDX-License-Identifier: GPL-2.0-or-later
//
// Prefixes as Match has them: "10.0.0.0/8", zero behind the prefix.
#pragma once

#include <string>

namespace connmark {

// `address` has 4 bytes, or 16 of IPv6, in network order; `length` is what it has
// bits at most.
std::string prefix_text(bool ipv6, const void *address, int length);

}  // namespace connmark
