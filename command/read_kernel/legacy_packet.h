// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a rule of the legacy tables asks of addresses, interfaces and protocol;
// both families have the same, in other places and sizes.
#pragma once

#include <libiptc/libiptc.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstdint>
#include <string>

#include "command/rule_set/ruleset.h"

namespace connmark {

struct LegacyPacket {
  const void *source = nullptr;  // 4 bytes, or 16 of IPv6, as the other three
  const void *source_mask = nullptr;
  const void *destination = nullptr;
  const void *destination_mask = nullptr;
  const char *in = nullptr;  // IFNAMSIZ bytes
  const unsigned char *in_mask = nullptr;
  const char *out = nullptr;
  const unsigned char *out_mask = nullptr;
  std::uint8_t protocol = 0;
  bool fragment = false;
  bool is_goto = false;
  std::uint8_t inverted = 0;  // IPT_INV_*, which are IP6T_INV_* as well

  bool is_inverted(int flag) const { return (inverted & flag) != 0; }
  // What the packets are limited to, 0 for none.
  std::uint8_t only_protocol() const {
    return is_inverted(XT_INV_PROTO) ? std::uint8_t{0} : protocol;
  }
};

static_assert(IPT_INV_SRCIP == IP6T_INV_SRCIP && IPT_INV_DSTIP == IP6T_INV_DSTIP &&
              IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT);

// Of an ipt_ip or ip6t_ip6, whose fields have the same names.  It has to outlive
// the result.
template <typename Addresses>
LegacyPacket legacy_packet(const Addresses &ip, bool fragment, bool is_goto) {
  return {.source = &ip.src,
          .source_mask = &ip.smsk,
          .destination = &ip.dst,
          .destination_mask = &ip.dmsk,
          .in = ip.iniface,
          .in_mask = ip.iniface_mask,
          .out = ip.outiface,
          .out_mask = ip.outiface_mask,
          .protocol = static_cast<std::uint8_t>(ip.proto),
          .fragment = fragment,
          .is_goto = is_goto,
          .inverted = ip.invflags};
}

void add_packet_matches(Family family, const LegacyPacket &packet, Rule &rule);

// As iptables-save writes it: " -s 10.0.0.0/8 ! -i lo -p tcp", or nothing.
std::string packet_text(Family family, const LegacyPacket &packet);

}  // namespace connmark
