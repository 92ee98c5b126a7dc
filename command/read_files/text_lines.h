// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace connmark {

// The lines of a text, without a copy of each.  A line that no tool would write,
// longer than kLongestLine or with a NUL byte in it, is a Refusal, as is a file
// that cannot be read.
class TextLines {
 public:
  static constexpr std::size_t kLongestLine = 64 * std::size_t{1024};

  // Both have to outlive this.
  TextLines(std::istream &in, const std::string &name);

  // The next line without its line break; valid until the next call.
  bool next(std::string_view &line);

  // Of the line last read, counted from 1.
  std::uint32_t number() const { return number_; }

  [[noreturn]] void refuse(const std::string &what) const;

 private:
  void fill();

  std::istream &in_;
  const std::string &name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
  std::uint32_t number_ = 0;
};

}  // namespace connmark
