// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "support/private_network.h"

namespace connmark::test {

// The mark of the one UDP connection to `port` in this network, as the kernel
// hands it out over ctnetlink; nothing if there is none.  More than one such
// connection, or no answer, is a std::runtime_error.
std::optional<std::uint32_t> connection_mark(Family family, std::uint16_t port);

}  // namespace connmark::test
