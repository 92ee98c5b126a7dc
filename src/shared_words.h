// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words that save and list text have in common.
#pragma once

#include "connmark/operation.h"
#include "connmark/options.h"
#include "connmark/text_buffer.h"

namespace connmark {

inline constexpr char kUnknownMode[] = " ERROR: UNKNOWN CONNMARK MODE";

// " left-shift-mark 3" with `dashes` before the name; nothing for a zero shift.
[[gnu::cold, gnu::noinline]] inline void add_nonzero_shift(TextBuffer &text,
                                                           std::string_view dashes, Shift shift) {
  const OptionId id =
      shift.direction == Direction::kRight ? OptionId::kRightShiftMark : OptionId::kLeftShiftMark;
  text.add(' ').add(dashes).add(option(id).name).add(' ').add_decimal(shift.bits);
}

inline void add_shift(TextBuffer &text, std::string_view dashes, Shift shift) {
  if (shift.bits != 0) add_nonzero_shift(text, dashes, shift);
}

}  // namespace connmark
