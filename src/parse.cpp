// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/parse.h"

#include <xtables.h>

#include <bit>

namespace connmark {
namespace {

// The option of `set`, which must not be empty.
OptionId first_of(OptionSet set) { return static_cast<OptionId>(std::countr_zero(set)); }

Fault read_number(const char *text, std::uint32_t max, std::uint32_t &value) {
  char *end = nullptr;
  unsigned int number = 0;
  const bool in_range = xtables_strtoui(text, &end, &number, 0, max);
  // libxtables leaves `end` alone where the text does not begin with a number.
  if (end == nullptr || *end != '\0') return Fault::kNotANumber;
  if (!in_range) return Fault::kOutOfRange;
  value = number;
  return Fault::kNone;
}

Fault read_mark_and_mask(const char *text, std::uint32_t &value, std::uint32_t &mask) {
  char *end = nullptr;
  unsigned int number = 0;
  if (!xtables_strtoui(text, &end, &number, 0, kAllBits)) return Fault::kNotAMarkAndMask;
  mask = kAllBits;
  if (*end != '\0') {
    if (*end != '/') return Fault::kNotAMarkAndMask;
    if (read_number(end + 1, kAllBits, mask) != Fault::kNone) return Fault::kNotAMarkAndMask;
  }
  value = number;
  return Fault::kNone;
}

// What speaks against reading `id` behind the options in `seen`.
Diagnosis check_place(OptionId id, bool inverted, OptionSet seen) {
  if (inverted) return {Fault::kInverted, id};
  if (seen & bit(id)) return {Fault::kRepeated, id};
  const auto conflict = [id](Fault fault, OptionSet with) {
    return with == 0 ? Diagnosis{} : Diagnosis{fault, id, first_of(with)};
  };
  switch (option(id).role) {
    case Role::kSetOperation:
    case Role::kCopyOperation:
      return conflict(Fault::kSecondOperation, seen & kOperations);
    case Role::kShift:
      return conflict(Fault::kSecondShift, seen & kShifts);
    case Role::kMask:
      if (id == OptionId::kMask) return conflict(Fault::kMaskConflict, seen & kMasks);
      return conflict(Fault::kMaskConflict, seen & bit(OptionId::kMask));
  }
  return {};
}

// Sets mode, ctmark and ctmask; masks and shift may have been read before.
void set_operation(Operation &op, const Operation &set) {
  op.mode = Mode::kSet;
  op.ctmark = set.ctmark;
  op.ctmask = set.ctmask;
}

void apply_option(OptionId id, std::uint32_t value, std::uint32_t mask, Operation &op) {
  switch (id) {
    case OptionId::kSetXmark:
      set_operation(op, set_xmark(value, mask));
      break;
    case OptionId::kSetMark:
      set_operation(op, set_mark(value, mask));
      break;
    case OptionId::kAndMark:
      set_operation(op, and_mark(value));
      break;
    case OptionId::kOrMark:
      set_operation(op, or_mark(value));
      break;
    case OptionId::kXorMark:
      set_operation(op, xor_mark(value));
      break;
    case OptionId::kSaveMark:
      op.mode = Mode::kSave;
      break;
    case OptionId::kRestoreMark:
      op.mode = Mode::kRestore;
      break;
    case OptionId::kNfmask:
      op.nfmask = value;
      break;
    case OptionId::kCtmask:
      op.ctmask = value;
      break;
    case OptionId::kMask:
      op.nfmask = value;
      op.ctmask = value;
      break;
    case OptionId::kLeftShiftMark:
      op.shift = {Direction::kLeft, static_cast<std::uint8_t>(value)};
      break;
    case OptionId::kRightShiftMark:
      op.shift = {Direction::kRight, static_cast<std::uint8_t>(value)};
      break;
  }
}

}  // namespace

Diagnosis parse_option(OptionId id, const char *argument, bool inverted, Progress &progress,
                       Operation &op) {
  if (const Diagnosis place = check_place(id, inverted, progress.seen);
      place.fault != Fault::kNone) {
    return place;
  }

  std::uint32_t value = 0;
  std::uint32_t mask = 0;
  Fault fault = Fault::kNone;
  switch (option(id).argument) {
    case Argument::kNone:
      break;
    case Argument::kMark:
      fault = read_number(argument, kAllBits, value);
      break;
    case Argument::kMarkAndMask:
      fault = read_mark_and_mask(argument, value, mask);
      break;
    case Argument::kShiftBits:
      fault = read_number(argument, kMaxShiftBits, value);
      break;
  }
  if (fault != Fault::kNone) return {fault, id, {}, argument};

  apply_option(id, value, mask, op);
  progress.seen |= bit(id);
  // Until the operation is known, nothing in `op` is without effect.
  if (progress.seen & kOperations) op = canonical(op);

  const OptionSet set_before = progress.seen & kSetOperations & ~bit(id);
  if (set_before != 0 && (id == OptionId::kCtmask || id == OptionId::kMask)) {
    progress.mask_replaced = true;
    return {Fault::kMaskReplaced, id, first_of(set_before)};
  }
  return {};
}

Diagnosis parse_end(const Progress &progress) {
  if (!(progress.seen & kOperations)) return {Fault::kNoOperation};
  const OptionSet set = progress.seen & kSetOperations;
  const OptionSet masks = progress.seen & kMasks;
  if (set != 0 && masks != 0 && !progress.mask_replaced) {
    return {Fault::kMaskIgnored, first_of(masks), first_of(set)};
  }
  return {};
}

}  // namespace connmark
