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

  TextBuffer &add(char c);
  TextBuffer &add(std::string_view text);

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
  char text_[kCapacity + 1];  // a plain array: see src/CMakeLists.txt on the C++ runtime
};

}  // namespace connmark
