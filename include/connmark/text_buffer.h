// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace connmark {

// A line of text under construction, on the stack.  What does not fit is cut
// off; the longest line that the plugin writes is below the capacity.
class TextBuffer {
 public:
  static constexpr std::size_t kCapacity = 320;

  TextBuffer &add(char c) {
    if (size_ < kCapacity) text_[size_++] = c;
    return *this;
  }

  // Spares a string literal strlen().
  template <std::size_t size>
  [[gnu::always_inline]] TextBuffer &add(const char (&literal)[size]) {
    return add(std::string_view(literal, size - 1));
  }

  // In the header, so that words known to the compiler are copied as such.
  TextBuffer &add(std::string_view text) {
    if (text.size() > kCapacity - size_) return add_what_fits(text);
    std::memcpy(text_ + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }

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
  TextBuffer &add_what_fits(std::string_view text);

  static constexpr std::size_t kLongestNumber = 10;

  std::size_t size_ = 0;
  // A plain array: see src/CMakeLists.txt on the C++ runtime.
  char text_[kCapacity + kLongestNumber];
};

}  // namespace connmark
