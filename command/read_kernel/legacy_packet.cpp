// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/legacy_packet.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "command/read_kernel/xt_text.h"
#include "command/rule_set/address_prefix.h"

namespace connmark {
namespace {

// The mask covers the NUL of a whole name, and ends before the "+" of a beginning.
std::string interface_name(const char *name, const unsigned char *mask) {
  const auto *const end = std::find(mask, mask + IFNAMSIZ, 0);
  const auto compared = static_cast<std::size_t>(end - mask);
  const std::size_t length = strnlen(name, compared);
  std::string text(name, length);
  if (length == compared) text += '+';
  return text;
}

std::string interface_text(const char *option, const char *name, const unsigned char *mask,
                           bool inverted) {
  if (mask[0] == 0) return {};
  return std::string(inverted ? " ! " : " ") + option + " " + interface_name(name, mask);
}

// Of a mask that is one; else nothing.
std::optional<int> prefix_length(bool ipv6, const void *mask) {
  const auto *const bytes = static_cast<const std::uint8_t *>(mask);
  const int size = ipv6 ? 128 : 32;
  const auto is_set = [bytes](int bit) { return (bytes[bit / 8] & (0x80 >> (bit % 8))) != 0; };
  int length = 0;
  while (length < size && is_set(length)) ++length;
  for (int bit = length; bit < size; ++bit) {
    if (is_set(bit)) return std::nullopt;
  }
  return length;
}

void add_address(Attribute attribute, const char *option, Family family, const void *address,
                 const void *mask, bool inverted, Rule &rule) {
  const bool ipv6 = family == Family::kIpv6;
  const auto length = prefix_length(ipv6, mask);
  if (length == 0 && !inverted) return;
  Match match{.attribute = attribute, .inverted = inverted, .text = {}};
  if (length) {
    match.text = prefix_text(ipv6, address, *length);
  } else {
    match.attribute = Attribute::kOther;
    match.is_stable = true;
    match.text = address_text(option, family, address, mask, false).substr(1);
  }
  rule.matches.push_back(std::move(match));
}

void add_interface(Attribute attribute, const char *name, const unsigned char *mask, bool inverted,
                   Rule &rule) {
  if (mask[0] == 0 && !inverted) return;
  rule.matches.push_back(
      {.attribute = attribute, .inverted = inverted, .text = interface_name(name, mask)});
}

}  // namespace

void add_packet_matches(Family family, const LegacyPacket &packet, Rule &rule) {
  add_address(Attribute::kSource, "-s", family, packet.source, packet.source_mask,
              packet.is_inverted(IPT_INV_SRCIP), rule);
  add_address(Attribute::kDestination, "-d", family, packet.destination, packet.destination_mask,
              packet.is_inverted(IPT_INV_DSTIP), rule);
  add_interface(Attribute::kInInterface, packet.in, packet.in_mask,
                packet.is_inverted(IPT_INV_VIA_IN), rule);
  add_interface(Attribute::kOutInterface, packet.out, packet.out_mask,
                packet.is_inverted(IPT_INV_VIA_OUT), rule);
  if (packet.protocol != 0) {
    rule.matches.push_back({.attribute = Attribute::kProtocol,
                            .inverted = packet.is_inverted(XT_INV_PROTO),
                            .from = packet.protocol,
                            .to = packet.protocol,
                            .text = {}});
  }
  if (packet.fragment) {
    rule.matches.push_back(
        {.inverted = packet.is_inverted(IPT_INV_FRAG), .is_stable = true, .text = "-f"});
  }
}

std::string packet_text(Family family, const LegacyPacket &packet) {
  std::string text =
      address_text("-s", family, packet.source, packet.source_mask,
                   packet.is_inverted(IPT_INV_SRCIP)) +
      address_text("-d", family, packet.destination, packet.destination_mask,
                   packet.is_inverted(IPT_INV_DSTIP)) +
      interface_text("-i", packet.in, packet.in_mask, packet.is_inverted(IPT_INV_VIA_IN)) +
      interface_text("-o", packet.out, packet.out_mask, packet.is_inverted(IPT_INV_VIA_OUT));
  if (packet.protocol != 0) {
    text += (packet.is_inverted(XT_INV_PROTO) ? " ! -p " : " -p ") + protocol_text(packet.protocol);
  }
  if (packet.fragment) text += packet.is_inverted(IPT_INV_FRAG) ? " ! -f" : " -f";
  return text;
}

}  // namespace connmark
