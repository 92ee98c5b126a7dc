// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "command/findings/finding.h"

namespace connmark {

// "Tailscale", "Tailscale and Calico", "a, b and 7 others".
std::string owner_names(const Analysis &analysis, const std::vector<OwnerIndex> &owners);

// "bits 14-15 (0xc000) of the packet's mark".
std::string bits_text(std::uint32_t bits, Mark mark);

// Whether one of both handles the other's bits on purpose.
bool share_on_purpose(const Analysis &analysis, OwnerIndex left, OwnerIndex right);

}  // namespace connmark
