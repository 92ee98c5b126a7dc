// SPDX-License-Identifier: GPL-2.0-or-later
//
// What one option makes of a rule: the only place that knows it, whichever way
// the option has been read.
#pragma once

#include "connmark/operation.h"
#include "connmark/options.h"

namespace connmark {

// A set operation gives all but the shift, which may have been read before.
constexpr void apply_set(const Operation &set, Operation &op) {
  op.mode = set.mode;
  op.ctmark = set.ctmark;
  op.ctmask = set.ctmask;
  op.nfmask = set.nfmask;
}

// A copy keeps the masks and the shift that are there.
constexpr void apply_copy(Mode mode, Operation &op) {
  op.mode = mode;
  op.ctmark = 0;
}

// Zero has no direction.
constexpr Shift to_shift(Direction direction, std::uint32_t bits) {
  return bits == 0 ? Shift{} : Shift{direction, static_cast<std::uint8_t>(bits)};
}

// `value` and `mask` are those of the option's argument.  `set` tells whether a
// set operation has been read, of which the packet's mark is no part.  So what
// has no effect keeps its default, as canonical() has it.
//
// What is not the option's stays as it is, whatever it is: a caller may keep
// its options in the rule alone, and hand over `set` and all else that it knows
// of them as nothing.
constexpr void apply_option(OptionId id, std::uint32_t value, std::uint32_t mask, bool set,
                            Operation &op) {
  switch (id) {
    case OptionId::kSetXmark:
      apply_set(set_xmark(value, mask), op);
      break;
    case OptionId::kSetMark:
      apply_set(set_mark(value, mask), op);
      break;
    case OptionId::kAndMark:
      apply_set(and_mark(value), op);
      break;
    case OptionId::kOrMark:
      apply_set(or_mark(value), op);
      break;
    case OptionId::kXorMark:
      apply_set(xor_mark(value), op);
      break;
    case OptionId::kSaveMark:
      apply_copy(Mode::kSave, op);
      break;
    case OptionId::kRestoreMark:
      apply_copy(Mode::kRestore, op);
      break;
    case OptionId::kCtmask:
      op.ctmask = value;
      break;
    case OptionId::kMask:
      op.ctmask = value;
      [[fallthrough]];
    case OptionId::kNfmask:
      if (!set) op.nfmask = value;
      break;
    case OptionId::kLeftShiftMark:
      op.shift = to_shift(Direction::kLeft, value);
      break;
    case OptionId::kRightShiftMark:
      op.shift = to_shift(Direction::kRight, value);
      break;
  }
}

}  // namespace connmark
