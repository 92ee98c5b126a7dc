// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connmark {

// A line of text under construction, on the stack.  What does not fit is cut
// off; the longest line that the plugin writes is below the capacity.
class TextBuffer {
 public:
  static constexpr std::size_t kCapacity = 320;
  static constexpr std::size_t kSpare = 10;  // behind it, for the last number

  TextBuffer &add(char c) {
    if (size_ < kCapacity) text_[size_++] = c;
    return *this;
  }

  // Spares a string literal strlen().
  template <std::size_t size>
  [[gnu::always_inline]] TextBuffer &add(const char (&literal)[size]) {
    return add(std::string_view(literal, size - 1));
  }

  TextBuffer &add(std::string_view text) noexcept;

  // For a text of known length, written in place: room for kCapacity characters,
  // of which the first up to `end` are then the text.
  char *begin() { return text_; }
  void end_at(const char *end) { size_ = static_cast<std::size_t>(end - text_); }

  // Lower-case hexadecimal with 0x and no leading zeros, as printf's 0x%x.
  TextBuffer &add_hex(std::uint32_t value);

  // Decimal, as printf's %u.
  TextBuffer &add_decimal(std::uint8_t value);

  const char *data() const { return text_; }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {text_, size_}; }

  // The text with a terminating NUL, valid until the next add.
  const char *c_str() {
    text_[size_] = '\0';
    return text_;
  }

 private:
  std::size_t size_ = 0;
  // A plain array: see src/CMakeLists.txt on the C++ runtime.
  char text_[kCapacity + kSpare];
};

}  // namespace connmark
