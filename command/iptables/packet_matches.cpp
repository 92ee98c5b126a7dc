// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/packet_matches.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace connmark {
namespace {

struct NamedNumber {
  std::string_view name;
  std::uint32_t number = 0;
};

// Of /etc/protocols, which may be missing, and of iptables itself.
constexpr std::array kProtocols = {
    NamedNumber{"all", 0},      NamedNumber{"icmp", 1},       NamedNumber{"igmp", 2},
    NamedNumber{"ipencap", 4},  NamedNumber{"tcp", 6},        NamedNumber{"udp", 17},
    NamedNumber{"dccp", 33},    NamedNumber{"ipv6", 41},      NamedNumber{"rsvp", 46},
    NamedNumber{"gre", 47},     NamedNumber{"esp", 50},       NamedNumber{"ah", 51},
    NamedNumber{"icmpv6", 58},  NamedNumber{"ipv6-icmp", 58}, NamedNumber{"ospf", 89},
    NamedNumber{"ipip", 94},    NamedNumber{"pim", 103},      NamedNumber{"ipcomp", 108},
    NamedNumber{"vrrp", 112},   NamedNumber{"l2tp", 115},     NamedNumber{"sctp", 132},
    NamedNumber{"mh", 135},     NamedNumber{"ipv6-mh", 135},  NamedNumber{"mobility-header", 135},
    NamedNumber{"udplite", 136}};

constexpr std::array kStates = {
    NamedNumber{"NEW", kStateNew}, NamedNumber{"ESTABLISHED", kStateEstablished},
    NamedNumber{"RELATED", kStateRelated}, NamedNumber{"INVALID", kStateInvalid},
    NamedNumber{"UNTRACKED", kStateUntracked}};

bool is_same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::optional<std::uint32_t> number_up_to(std::uint32_t most, std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_octal = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || end != text.data() + text.size() || is_octal || number > most) {
    return std::nullopt;
  }
  return number;
}

struct Address {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes = {};

  std::size_t size() const { return family == AF_INET ? 4 : 16; }
};

std::optional<Address> address_in(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy = {};
  if (text.size() >= copy.size()) return std::nullopt;
  text.copy(copy.data(), text.size());
  Address address;
  if (text.find(':') != text.npos) address.family = AF_INET6;
  if (inet_pton(address.family, copy.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

// The ones of a mask that has no holes.
std::optional<std::size_t> length_of(const Address &mask) {
  std::size_t length = 0;
  bool is_over = false;
  for (std::size_t bit = 0; bit < mask.size() * 8; ++bit) {
    const bool is_one = (mask.bytes[bit / 8] & (0x80U >> (bit % 8))) != 0;
    if (is_one && is_over) return std::nullopt;
    if (is_one) ++length;
    is_over = !is_one;
  }
  return length;
}

}  // namespace

std::optional<std::uint32_t> protocol_number(std::string_view text) {
  constexpr std::uint32_t kMostProtocol = 255;
  if (const auto number = number_up_to(kMostProtocol, text)) return number;
  for (const NamedNumber &each : kProtocols) {
    if (is_same_word(each.name, text)) return each.number;
  }
  return std::nullopt;
}

std::optional<std::string> prefix_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = address_in(text.substr(0, slash));
  if (!address) return std::nullopt;
  std::optional<std::size_t> length = address->size() * 8;
  if (slash != text.npos) {
    const std::string_view behind = text.substr(slash + 1);
    const auto given = number_up_to(static_cast<std::uint32_t>(*length), behind);
    if (given) {
      length = *given;
    } else {
      const auto mask = address_in(behind);
      if (!mask || mask->family != address->family) return std::nullopt;
      length = length_of(*mask);
      if (!length) return std::nullopt;
    }
  }
  for (std::size_t bit = *length; bit < address->size() * 8; ++bit) {
    address->bytes[bit / 8] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
  }
  std::array<char, INET6_ADDRSTRLEN> name = {};
  inet_ntop(address->family, address->bytes.data(), name.data(), name.size());
  return std::string(name.data()) + "/" + std::to_string(*length);
}

bool is_every_address(std::string_view prefix) { return prefix.ends_with("/0"); }

std::optional<PortRange> port_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view from = text.substr(0, colon);
  const std::string_view to = colon == text.npos ? from : text.substr(colon + 1);
  const auto first = from.empty() && colon != text.npos ? 0 : number_up_to(kLastPort, from);
  const auto last = to.empty() && colon != text.npos ? kLastPort : number_up_to(kLastPort, to);
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<std::uint32_t> connection_states(std::string_view text) {
  std::uint32_t states = 0;
  while (true) {
    const std::string_view word = text.substr(0, text.find(','));
    std::uint32_t state = 0;
    for (const NamedNumber &each : kStates) {
      if (is_same_word(each.name, word)) state = each.number;
    }
    if (state == 0) return std::nullopt;
    states |= state;
    if (word.size() == text.size()) return states;
    text.remove_prefix(word.size() + 1);
  }
}

}  // namespace connmark
