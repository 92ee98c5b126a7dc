// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables' own options and the arguments of its matches ask of packets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Each of these is nothing where its text is of another kind: a name, a list, a
// mask with holes.

// "tcp", "6", "all".
std::optional<std::uint32_t> protocol_number(std::string_view text);

// "10.1.2.3/8", "fe80::1", "10.0.0.0/255.0.0.0": ADDRESS/LENGTH as inet_ntop writes it.
std::optional<std::string> prefix_text(std::string_view text);
bool is_every_address(std::string_view prefix);

struct PortRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};
inline constexpr std::uint32_t kLastPort = 65535;
// "80", "80:90", ":90", "80:".
std::optional<PortRange> port_range(std::string_view text);

// "NEW,ESTABLISHED" as kState... bits.
std::optional<std::uint32_t> connection_states(std::string_view text);

}  // namespace connmark
