// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a rule asks of packets besides marks, in the one form that all readers of
// nft's rules share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

// Adds `match`, unless one of the rule's last few says the same.
void add_match(Rule &rule, Match match);

Match other_match(std::string words, bool inverted = false, bool is_stable = true);

// `name` as nft has it: a final '*' stands for any end, and becomes '+'.
Match interface_match(Attribute attribute, std::string_view name, bool inverted);

// `protocol` is the number of IANA.
Match protocol_match(std::uint32_t protocol, bool inverted);

// `version` is 4 or 6.
Match version_match(std::uint32_t version, bool inverted);

// The first `length` bits of `address`, which has the bytes of an IPv4 or, with
// `is_ipv6`, an IPv6 address in network order.
Match address_match(Attribute attribute, const std::uint8_t *address, std::uint32_t length,
                    bool is_ipv6, bool inverted);

// How a field is compared with a number, in nft's words.
enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kAtMost, kMore, kAtLeast };

// Nothing where no port, or every port, would pass.
std::optional<Match> port_match(Attribute attribute, Comparison comparison, std::uint32_t port);

}  // namespace connmark
