// SPDX-License-Identifier: GPL-2.0-or-later
//
// Texts written straight to memory that has room for them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace connmark {

// Writes `literal` to `to`, without its NUL.  Returns the end.
template <std::size_t size>
[[gnu::always_inline]] inline char *write(char *to, const char (&literal)[size]) {
  std::memcpy(to, literal, size - 1);
  return to + size - 1;
}

inline constexpr std::size_t kLongestHex = sizeof "0xffffffff" - 1;

// Writes `value` in lower case with 0x and no leading zeros.  Returns the end.
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
