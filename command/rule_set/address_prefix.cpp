// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/address_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace connmark {

std::string prefix_text(bool ipv6, const void *address, int length) {
  std::uint8_t bytes[16];
  const int size = ipv6 ? 16 : 4;
  std::memcpy(bytes, address, static_cast<std::size_t>(size));
  length = std::clamp(length, 0, size * 8);
  for (int i = 0; i < size; ++i) {
    const int kept = std::clamp(length - i * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00 >> kept));
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
  return std::string(text) + "/" + std::to_string(length);
}

std::optional<std::string> read_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  const bool ipv6 = address.find(':') != address.npos;
  std::uint8_t bytes[16];
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) return std::nullopt;
  const int whole = ipv6 ? 128 : 32;
  int length = whole;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (length < 0 || length > whole) return std::nullopt;
  }
  return prefix_text(ipv6, bytes, length);
}

}  // namespace connmark
