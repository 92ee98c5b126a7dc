// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/save.h"

#include "shared_words.h"

namespace connmark {

TextBuffer save_text(const Operation &op) {
  TextBuffer text;
  switch (op.mode) {
    case Mode::kSet:
      text.add(" --set-xmark ").add_hex(op.ctmark).add('/').add_hex(op.ctmask);
      break;
    case Mode::kSave:
    case Mode::kRestore:
      text.add(op.mode == Mode::kSave ? " --save-mark" : " --restore-mark");
      text.add(" --nfmask ").add_hex(op.nfmask).add(" --ctmask ").add_hex(op.ctmask);
      break;
    default:
      return text.add(kUnknownMode);
  }
  add_shift(text, "--", op.shift);
  return text;
}

}  // namespace connmark
