// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/list.h"

#include "shared_words.h"

namespace connmark {
namespace {

using namespace std::string_view_literals;

void add_set(TextBuffer &text, const Operation &op) {
  if (op.ctmark == 0) {
    text.add(" and ").add_hex(~op.ctmask);
  } else if (op.ctmark == op.ctmask) {
    text.add(" or ").add_hex(op.ctmark);
  } else if (op.ctmask == 0) {
    text.add(" xor ").add_hex(op.ctmark);
  } else if (op.ctmask == kAllBits) {
    text.add(" set ").add_hex(op.ctmark);
  } else {
    text.add(" xset ").add_hex(op.ctmark).add('/').add_hex(op.ctmask);
  }
}

// The source's mask comes first.  The "~" before the other one says that those
// bits are cleared; the number behind it is the mask as the user gave it.
void add_copy(TextBuffer &text, const Operation &op) {
  const bool save = op.mode == Mode::kSave;
  text.add(save ? " save"sv : " restore"sv);
  if (op.nfmask != op.ctmask) {
    text.add(save ? " nfmask "sv : " ctmask "sv).add_hex(save ? op.nfmask : op.ctmask);
    text.add(save ? " ctmask ~"sv : " nfmask ~"sv).add_hex(save ? op.ctmask : op.nfmask);
  } else if (op.nfmask != kAllBits) {
    text.add(" mask ").add_hex(op.nfmask);
  }
}

}  // namespace

TextBuffer list_text(const Operation &op) {
  TextBuffer text;
  if (!is_known(op.mode)) {
    text.add(kUnknownMode);
    return text;
  }
  text.add(" CONNMARK");
  if (op.mode == Mode::kSet) {
    add_set(text, op);
  } else {
    add_copy(text, op);
  }
  add_shift(text, "", op.shift);
  return text;
}

}  // namespace connmark
