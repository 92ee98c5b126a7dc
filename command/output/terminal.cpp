// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/output/terminal.h"

#include <unistd.h>

#include <cstdlib>

namespace connmark {
namespace {

std::string_view code(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      break;
    case Colour::kDim:
      return "2";
    case Colour::kRed:
      return "31";
    case Colour::kGreen:
      return "32";
    case Colour::kYellow:
      return "33";
    case Colour::kMagenta:
      return "35";
    case Colour::kCyan:
      return "36";
  }
  return "";
}

}  // namespace

bool wants_colour(bool is_terminal, const char *no_color, const char *term) {
  if (!is_terminal) return false;
  if (no_color != nullptr && *no_color != '\0') return false;
  return term != nullptr && std::string_view(term) != "dumb";
}

bool wants_colour_on_stdout() {
  return wants_colour(isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"), std::getenv("TERM"));
}

std::string painted(std::string_view text, Colour colour, bool with_colour) {
  if (!with_colour || colour == Colour::kNone) return std::string(text);
  return "\x1b[" + std::string(code(colour)) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace connmark
