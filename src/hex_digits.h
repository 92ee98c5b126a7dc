// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace connmark {

inline constexpr std::size_t kLongestHex = sizeof "0xffffffff" - 1;

// Writes `value` to `to`, which has room for kLongestHex characters, in lower case
// with 0x and no leading zeros.  Returns the end.
inline char *write_hex(char *to, std::uint32_t value) {
  const int digits = (std::bit_width(value | 1) + 3) / 4;
  to[0] = '0';
  to[1] = 'x';
  char *const end = to + 2 + digits;
  char *next = end;
  do {
    *--next = "0123456789abcdef"[value & 0xf];
    value >>= 4;
  } while (value != 0);
  return end;
}

}  // namespace connmark
