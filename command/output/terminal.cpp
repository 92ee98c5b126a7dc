// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/output/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace connmark {
namespace {

struct CodePoints {
  char32_t first;
  char32_t last;
};

constexpr CodePoints kHidden[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164}, {0xd800, 0xdfff}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff},
};

bool is_hidden(char32_t code) {
  return std::ranges::any_of(kHidden, [code](const CodePoints &range) {
    return code >= range.first && code <= range.last;
  });
}

// The beginning of a text: so many bytes of it, to be shown or not.
struct Character {
  std::size_t size = 1;
  bool is_shown = false;
  bool is_incomplete = false;  // it may go on behind the end of the text
};

// `text` is not empty.
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, !is_hidden(lead)};
  if (lead < 0xc2 || lead > 0xf4) return {};
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = lead & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {1, false, true};
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[size] || code > 0x10ffff) return {};
  return {size, !is_hidden(code)};
}

void add_escaped(std::string &result, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    result += "\\x";
    result += kDigits[byte >> 4];
    result += kDigits[byte & 0xf];
  }
}

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

std::string sequence(std::string_view code) { return "\x1b[" + std::string(code) + "m"; }

constexpr std::string_view kNoColour = "0";

// The same for one of painted()'s sequences.
Character first_sequence(std::string_view text) {
  Character result;
  const auto compare = [&](std::string_view code) {
    const std::string whole = sequence(code);
    if (text.starts_with(whole)) result = {whole.size(), true};
    if (text.size() < whole.size() && whole.starts_with(text)) result.is_incomplete = true;
  };
  compare(kNoColour);
  for (const Colour colour : {Colour::kDim, Colour::kRed, Colour::kGreen, Colour::kYellow,
                              Colour::kMagenta, Colour::kCyan}) {
    compare(code(colour));
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::string_view bytes = text.substr(0, character.size);
    if (character.is_shown) {
      result += bytes;
    } else {
      add_escaped(result, bytes);
    }
    text.remove_prefix(bytes.size());
  }
  return result;
}

ShownOutput::ShownOutput(std::ostream &stream, bool with_colour)
    : stream_(stream), out_(stream.rdbuf(this)), with_colour_(with_colour) {}

ShownOutput::~ShownOutput() {
  const std::string left = printable(pending_);
  out_->sputn(left.data(), static_cast<std::streamsize>(left.size()));
  out_->pubsync();
  stream_.rdbuf(out_);
}

ShownOutput::int_type ShownOutput::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char byte = traits_type::to_char_type(c);
  return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize ShownOutput::xsputn(const char *text, std::streamsize size) {
  pending_.append(text, static_cast<std::size_t>(size));
  std::string_view left = pending_;
  std::string shown;
  while (!left.empty()) {
    const bool may_be_colour = with_colour_ && left[0] == '\x1b';
    const Character character = may_be_colour ? first_sequence(left) : first_character(left);
    if (character.is_incomplete) break;
    const std::string_view bytes = left.substr(0, character.size);
    if (character.is_shown || bytes == "\n") {
      shown += bytes;
    } else {
      add_escaped(shown, bytes);
    }
    left.remove_prefix(bytes.size());
  }
  pending_.erase(0, pending_.size() - left.size());
  const auto wanted = static_cast<std::streamsize>(shown.size());
  return out_->sputn(shown.data(), wanted) == wanted ? size : 0;
}

int ShownOutput::sync() { return out_->pubsync(); }

void occupy_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) != -1) continue;
    // The lowest free number is this one.
    if (open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

bool standard_input_can_be_read() {
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  return flags != -1 && (flags & O_ACCMODE) != O_WRONLY;
}

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
  return sequence(code(colour)) + std::string(text) + sequence(kNoColour);
}

}  // namespace connmark
