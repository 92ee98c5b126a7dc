// SPDX-License-Identifier: GPL-2.0-or-later
//
// Like a saved rule, a list text is shorter than the buffer by far.
#include "connmark/list.h"

#include "shared_words.h"
#include "write_text.h"

namespace connmark {
namespace {

char *write_set(char *to, const Operation &op) {
  if (op.ctmark == 0) return write_hex(write(to, " and "), ~op.ctmask);
  if (op.ctmark == op.ctmask) return write_hex(write(to, " or "), op.ctmark);
  if (op.ctmask == 0) return write_hex(write(to, " xor "), op.ctmark);
  if (op.ctmask == kAllBits) return write_hex(write(to, " set "), op.ctmark);
  to = write_hex(write(to, " xset "), op.ctmark);
  *to++ = '/';
  return write_hex(to, op.ctmask);
}

// The source's mask comes first.  The "~" before the other one says that those
// bits are cleared; the number behind it is the mask as the user gave it.
char *write_masks(char *to, const Operation &op) {
  if (op.nfmask == op.ctmask) {
    return op.nfmask == kAllBits ? to : write_hex(write(to, " mask "), op.nfmask);
  }
  if (op.mode == Mode::kSave) {
    to = write_hex(write(to, " nfmask "), op.nfmask);
    return write_hex(write(to, " ctmask ~"), op.ctmask);
  }
  to = write_hex(write(to, " ctmask "), op.ctmask);
  return write_hex(write(to, " nfmask ~"), op.nfmask);
}

}  // namespace

TextBuffer list_text(const Operation &op) {
  TextBuffer text;
  char *end = write(text.begin(), " CONNMARK");
  switch (op.mode) {
    case Mode::kSet:
      end = write_set(end, op);
      break;
    case Mode::kSave:
      end = write_masks(write(end, " save"), op);
      break;
    case Mode::kRestore:
      end = write_masks(write(end, " restore"), op);
      break;
    default:
      text.add(kUnknownMode);
      return text;
  }
  text.end_at(end);
  add_shift(text, "", op.shift);
  return text;
}

}  // namespace connmark
