// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/text_buffer.h"

#include <algorithm>
#include <cstring>

namespace connmark {

TextBuffer &TextBuffer::add(char c) { return add(std::string_view(&c, 1)); }

TextBuffer &TextBuffer::add(std::string_view text) {
  const std::size_t size = std::min(text.size(), kCapacity - size_);
  std::memcpy(text_ + size_, text.data(), size);
  size_ += size;
  return *this;
}

TextBuffer &TextBuffer::add_hex(std::uint32_t value) {
  char digits[10];
  char *first = digits + sizeof digits;
  do {
    *--first = "0123456789abcdef"[value & 0xf];
    value >>= 4;
  } while (value != 0);
  *--first = 'x';
  *--first = '0';
  return add({first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

TextBuffer &TextBuffer::add_decimal(std::uint8_t value) {
  char digits[3];
  char *first = digits + sizeof digits;
  do {
    *--first = static_cast<char>('0' + value % 10);
    value = static_cast<std::uint8_t>(value / 10);
  } while (value != 0);
  return add({first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

}  // namespace connmark
