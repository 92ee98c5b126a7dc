// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/address_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

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

}  // namespace connmark
