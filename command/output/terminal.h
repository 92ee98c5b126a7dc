// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace connmark {

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
