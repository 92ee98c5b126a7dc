// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/save.h"

#include "shared_words.h"

namespace connmark {

namespace {

[[gnu::always_inline]] inline void add_masks(TextBuffer &text, const Operation &op) {
  text.add(" --nfmask ").add_hex(op.nfmask).add(" --ctmask ").add_hex(op.ctmask);
}

}  // namespace

TextBuffer save_text(const Operation &op) {
  TextBuffer text;
  switch (op.mode) {
    case Mode::kSet:
      text.add(" --set-xmark ").add_hex(op.ctmark).add('/').add_hex(op.ctmask);
      break;
    case Mode::kSave:
      text.add(" --save-mark");
      add_masks(text, op);
      break;
    case Mode::kRestore:
      text.add(" --restore-mark");
      add_masks(text, op);
      break;
    default:
      text.add(kUnknownMode);
      return text;
  }
  add_shift(text, "--", op.shift);
  return text;
}

}  // namespace connmark
