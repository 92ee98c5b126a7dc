// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/text_buffer.h"

#include <algorithm>
#include <bit>

namespace connmark {

[[gnu::cold]] TextBuffer &TextBuffer::add_what_fits(std::string_view text) {
  return add({text.data(), kCapacity - size_});
}

TextBuffer &TextBuffer::add_hex(std::uint32_t value) {
  // Written behind the capacity, if need be, and cut off.
  const std::size_t size = 2 + (static_cast<std::size_t>(std::bit_width(value | 1)) + 3) / 4;
  char *const start = text_ + size_;
  char *next = start + size;
  size_ = std::min(size_ + size, kCapacity);
  start[0] = '0';
  start[1] = 'x';
  do {
    *--next = "0123456789abcdef"[value & 0xf];
    value >>= 4;
  } while (value != 0);
  return *this;
}

[[gnu::cold]] TextBuffer &TextBuffer::add_decimal(std::uint8_t value) {
  char digits[3];
  char *first = digits + sizeof digits;
  do {
    *--first = static_cast<char>('0' + value % 10);
    value = static_cast<std::uint8_t>(value / 10);
  } while (value != 0);
  return add({first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

}  // namespace connmark
