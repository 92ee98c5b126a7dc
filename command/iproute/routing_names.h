// SPDX-License-Identifier: GPL-2.0-or-later
//
// The names that iproute2 prints instead of numbers, from its files on this
// machine: /etc/iproute2/NAME, or else /usr/share/iproute2/NAME, and the files
// NAME.d/*.conf of both (rtnl_*_initialize() of lib/rt_names.c).  They are read
// once.  A number without a name is written as iproute2 writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connmark {

std::string table_name(std::uint32_t table);                    // rt_tables
std::string routing_protocol_name(std::uint32_t protocol);      // rt_protos: who made a rule
std::string realm_name(std::uint32_t realm);                    // rt_realms
std::string interface_group_name(std::uint32_t group);          // group
std::string service_field_name(std::uint32_t type_of_service);  // rt_dsfield: 0x10
std::string ip_protocol_name(std::uint8_t protocol);            // getprotobynumber()

// The table of a name that means the same on every machine: "main", "local",
// "default" or a number.
std::optional<std::uint32_t> table_number(std::string_view name);

}  // namespace connmark
