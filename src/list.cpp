// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/list.h"

#include "shared_words.h"

namespace connmark {
namespace {

using namespace std::string_view_literals;

void add_set(TextBuffer &text, const Operation &op) {
  if (op.ctmark == 0) {
    text.add_word(" and ").add_hex(~op.ctmask);
  } else if (op.ctmark == op.ctmask) {
    text.add_word(" or ").add_hex(op.ctmark);
  } else if (op.ctmask == 0) {
    text.add_word(" xor ").add_hex(op.ctmark);
  } else if (op.ctmask == kAllBits) {
    text.add_word(" set ").add_hex(op.ctmark);
  } else {
    text.add_word(" xset ").add_hex(op.ctmark).add('/').add_hex(op.ctmask);
  }
}

// The source's mask comes first.  The "~" before the other one says that those
// bits are cleared; the number behind it is the mask as the user gave it.
void add_copy(TextBuffer &text, const Operation &op) {
  const bool save = op.mode == Mode::kSave;
  if (save) {
    text.add_word(" save");
  } else {
    text.add_word(" restore");
  }
  if (op.nfmask != op.ctmask) {
    text.add(save ? " nfmask "sv : " ctmask "sv).add_hex(save ? op.nfmask : op.ctmask);
    text.add(save ? " ctmask ~"sv : " nfmask ~"sv).add_hex(save ? op.ctmask : op.nfmask);
  } else if (op.nfmask != kAllBits) {
    text.add_word(" mask ").add_hex(op.nfmask);
  }
}

}  // namespace

TextBuffer list_text(const Operation &op) {
  TextBuffer text;
  if (!is_known(op.mode)) {
    text.add(kUnknownMode);
    return text;
  }
  text.add_word(" CONNMARK");
  if (op.mode == Mode::kSet) {
    add_set(text, op);
  } else {
    add_copy(text, op);
  }
  add_shift(text, "", op.shift);
  return text;
}

}  // namespace connmark
