// SPDX-License-Identifier: GPL-2.0-or-later
//
// What may be shown: the texts of rules, files and options are other people's.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace connmark {

// `text` on one line, as a terminal can show it.  Of control characters, of
// characters without width or that change the direction of writing, and of what
// is no UTF-8, each byte becomes \x and two hexadecimal digits.  The characters
// are those of Unicode's categories Cc, Cf, Zl and Zp, but for Cf that are seen,
// and its Default_Ignorable_Code_Point.
std::string printable(std::string_view text);

// As long as it lives, what is written to `stream` passes printable(), line by
// line; with_colour lets through what painted() adds.
class ShownOutput : public std::streambuf {
 public:
  ShownOutput(std::ostream &stream, bool with_colour);
  ~ShownOutput() override;
  ShownOutput(const ShownOutput &) = delete;
  ShownOutput &operator=(const ShownOutput &) = delete;

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char *text, std::streamsize size) override;
  int sync() override;

 private:
  std::ostream &stream_;
  std::streambuf *out_;
  bool with_colour_;
  std::string pending_;  // the beginning of a character
};

// Where standard input, output or error is closed, something that can neither
// be read nor written takes its number, before a file that is opened does.
void occupy_standard_descriptors();

// False where standard input was closed.
bool standard_input_can_be_read();

// Colour is for people: only on a terminal that knows it, and never with a
// NO_COLOR that is not empty (https://no-color.org).  A variable that is not
// set is null.
bool wants_colour(bool is_terminal, const char *no_color, const char *term);

// The same for standard output and this process's environment.
bool wants_colour_on_stdout();

enum class Colour { kNone, kDim, kRed, kGreen, kYellow, kMagenta, kCyan };

// `text` in `colour`, or as it is.
std::string painted(std::string_view text, Colour colour, bool with_colour);

}  // namespace connmark
