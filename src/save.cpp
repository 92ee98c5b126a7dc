// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables-save prints for each rule, so it asks for no room: the longest
// text, with two masks and a shift, has less than a third of the buffer.
#include "connmark/save.h"

#include "shared_words.h"
#include "write_text.h"

namespace connmark {

namespace {

[[gnu::always_inline]] inline char *write_masks(char *to, const Operation &op) {
  to = write_hex(write(to, " --nfmask "), op.nfmask);
  return write_hex(write(to, " --ctmask "), op.ctmask);
}

}  // namespace

TextBuffer save_text(const Operation &op) {
  TextBuffer text;
  char *end = text.begin();
  switch (op.mode) {
    case Mode::kSet:
      end = write_hex(write(end, " --set-xmark "), op.ctmark);
      *end++ = '/';
      end = write_hex(end, op.ctmask);
      break;
    case Mode::kSave:
      end = write_masks(write(end, " --save-mark"), op);
      break;
    case Mode::kRestore:
      end = write_masks(write(end, " --restore-mark"), op);
      break;
    default:
      text.add(kUnknownMode);
      return text;
  }
  text.end_at(end);
  add_shift(text, "--", op.shift);
  return text;
}

}  // namespace connmark
