// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/text_lines.h"

#include <cstring>

#include "command/read_files/refused_input.h"
#include "command/refusal.h"

namespace connmark {

TextLines::TextLines(std::istream &in, const std::string &name)
    : in_(in), name_(name), buffer_(4 * kLongestLine) {}

bool TextLines::next(std::string_view &line) {
  const char *found = nullptr;
  while (true) {
    const char *const from = buffer_.data() + begin_;
    found = static_cast<const char *>(std::memchr(from, '\n', end_ - begin_));
    // One byte more than a line may have, and a line break, have to fit.
    if (found != nullptr || at_end_ || end_ - begin_ > kLongestLine + 1) break;
    fill();
  }
  if (begin_ == end_) return false;
  ++number_;
  const std::size_t size =
      found != nullptr ? static_cast<std::size_t>(found - buffer_.data()) - begin_ : end_ - begin_;
  line = {buffer_.data() + begin_, size};
  begin_ += size + (found != nullptr ? 1 : 0);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > kLongestLine) {
    refuse("begins with " + in_quotes(line) + " and is longer than " +
           std::to_string(kLongestLine) + " bytes");
  }
  if (std::memchr(line.data(), '\0', line.size()) != nullptr) {
    refuse(in_quotes(line) + " has a NUL byte, which no text has");
  }
  return true;
}

void TextLines::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  in_.read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  end_ += static_cast<std::size_t>(in_.gcount());
  if (in_.bad()) throw Refusal(name_ + ": cannot be read");
  at_end_ = in_.eof();
}

void TextLines::refuse(const std::string &what) const { refuse_line(name_, number_, what); }

}  // namespace connmark
