// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/text_buffer.h"

#include <algorithm>

#include "write_text.h"

namespace connmark {

static_assert(kLongestHex == TextBuffer::kSpare);

// No work for memcpy(): each symbol that the plugin needs costs each call of
// iptables more than all that is copied here.
[[gnu::cold]] TextBuffer &TextBuffer::add(std::string_view text) noexcept {
  const std::size_t size = std::min(text.size(), kCapacity - size_);
  const char *const from = text.data();
  for (std::size_t i = 0; i < size; ++i) text_[size_ + i] = from[i];
  size_ += size;
  return *this;
}

TextBuffer &TextBuffer::add_hex(std::uint32_t value) {
  // Written behind the capacity, if need be, and cut off.
  const char *const end = write_hex(text_ + size_, value);
  size_ = std::min(static_cast<std::size_t>(end - text_), kCapacity);
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
