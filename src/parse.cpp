// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/parse.h"

#include <xtables.h>

#include <bit>

namespace connmark {
namespace {

// The option of `set`, which must not be empty.
OptionId first_of(OptionSet set) { return static_cast<OptionId>(std::countr_zero(set)); }

struct Number {
  const char *end;  // of the number, null where the text does not begin with one
  std::uint32_t value;
  bool in_range;
};

[[gnu::cold, gnu::noinline]] Number read_any_number(const char *text, std::uint32_t max) {
  char *end = nullptr;
  unsigned int value = 0;
  const bool in_range = xtables_strtoui(text, &end, &value, 0, max);
  return {end, value, in_range};
}

// Reads as xtables_strtoui does in base 0.  What iptables-save writes, 0x and up
// to eight digits, is spared its detours, which cost more than the whole parser.
[[gnu::always_inline]] inline Number read_number(const char *text, std::uint32_t max) {
  if (text[0] != '0' || text[1] != 'x') return read_any_number(text, max);
  const char *end = text + 2;
  std::uint32_t value = 0;
  for (;; ++end) {
    unsigned digit = static_cast<unsigned>(*end) - '0';
    if (digit > 9) {
      digit = (static_cast<unsigned>(*end) | 0x20) - 'a';
      if (digit > 5) break;
      digit += 10;
    }
    value = value << 4 | digit;
  }
  if (end == text + 2 || end > text + 10 || value > max) return read_any_number(text, max);
  return {end, value, true};
}

inline Fault read_mark(const char *text, std::uint32_t max, std::uint32_t &value) {
  const Number number = read_number(text, max);
  if (number.end == nullptr || *number.end != '\0') return Fault::kNotANumber;
  if (!number.in_range) return Fault::kOutOfRange;
  value = number.value;
  return Fault::kNone;
}

inline Fault read_mark_and_mask(const char *text, std::uint32_t &value, std::uint32_t &mask) {
  const Number number = read_number(text, kAllBits);
  if (!number.in_range) return Fault::kNotAMarkAndMask;
  value = number.value;
  mask = kAllBits;
  if (*number.end == '\0') return Fault::kNone;
  if (*number.end != '/') return Fault::kNotAMarkAndMask;
  return read_mark(number.end + 1, kAllBits, mask) == Fault::kNone ? Fault::kNone
                                                                   : Fault::kNotAMarkAndMask;
}

// The options that must not stand before `id`.
constexpr OptionSet excluded_by(OptionId id) {
  switch (option(id).role) {
    case Role::kSetOperation:
    case Role::kCopyOperation:
      return kOperations;
    case Role::kShift:
      return kShifts;
    case Role::kMask:
      return id == OptionId::kMask ? kMasks : bit(id) | bit(OptionId::kMask);
  }
  return 0;
}

constexpr auto kExcluded = [] {
  struct {
    OptionSet by[kOptionCount];
  } excluded{};
  for (const Option &each : kOptions) {
    excluded.by[static_cast<std::size_t>(each.id)] = excluded_by(each.id);
  }
  return excluded;
}();

// What speaks against reading `id` behind some of the options that it excludes.
[[gnu::cold]] Fault fault_of_place(OptionId id, OptionSet excluded) {
  if (excluded & bit(id)) return Fault::kRepeated;
  switch (option(id).role) {
    case Role::kSetOperation:
    case Role::kCopyOperation:
      return Fault::kSecondOperation;
    case Role::kShift:
      return Fault::kSecondShift;
    case Role::kMask:
      return Fault::kMaskConflict;
  }
  return Fault::kNone;
}

// Everything but the shift, which may have been read before.
void set_operation(Operation &op, Operation set) {
  set.shift = op.shift;
  op = set;
}

// Zero has no direction.
constexpr Shift to_shift(Direction direction, std::uint32_t bits) {
  return bits == 0 ? Shift{} : Shift{direction, static_cast<std::uint8_t>(bits)};
}

// `set` tells whether a set operation has been read, of which the packet's mark
// is no part.  So what has no effect keeps its default, as canonical() has it.
void apply_option(OptionId id, std::uint32_t value, std::uint32_t mask, bool set, Operation &op) {
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
      if (!set) op.nfmask = value;
      break;
    case OptionId::kCtmask:
      op.ctmask = value;
      break;
    case OptionId::kMask:
      if (!set) op.nfmask = value;
      op.ctmask = value;
      break;
    case OptionId::kLeftShiftMark:
      op.shift = to_shift(Direction::kLeft, value);
      break;
    case OptionId::kRightShiftMark:
      op.shift = to_shift(Direction::kRight, value);
      break;
  }
}

}  // namespace

Fault read_option(OptionId id, const char *argument, bool inverted, Progress &progress,
                  Operation &op) {
  if (inverted) return Fault::kInverted;
  const OptionSet excluded = progress.seen & kExcluded.by[static_cast<std::size_t>(id)];
  if (excluded != 0) return fault_of_place(id, excluded);

  std::uint32_t value = 0;
  std::uint32_t mask = 0;
  Fault fault = Fault::kNone;
  switch (option(id).argument) {
    case Argument::kNone:
      break;
    case Argument::kMark:
      fault = read_mark(argument, kAllBits, value);
      break;
    case Argument::kMarkAndMask:
      fault = read_mark_and_mask(argument, value, mask);
      break;
    case Argument::kShiftBits:
      fault = read_mark(argument, kMaxShiftBits, value);
      break;
  }
  if (fault != Fault::kNone) return fault;

  const bool set_before = (progress.seen & kSetOperations) != 0;
  apply_option(id, value, mask, set_before, op);
  progress.seen = (progress.seen | bit(id)) & kAllOptions;
  if (set_before && (id == OptionId::kCtmask || id == OptionId::kMask)) {
    progress.mask_replaced = true;
    return Fault::kMaskReplaced;
  }
  return Fault::kNone;
}

Diagnosis diagnose_option(Fault fault, OptionId id, const char *argument, Progress progress) {
  switch (fault) {
    case Fault::kNotANumber:
    case Fault::kOutOfRange:
    case Fault::kNotAMarkAndMask:
      return {fault, id, {}, argument};
    case Fault::kSecondOperation:
    case Fault::kSecondShift:
    case Fault::kMaskConflict:
      return {fault, id, first_of(progress.seen & excluded_by(id))};
    case Fault::kMaskReplaced:
      return {fault, id, first_of(progress.seen & kSetOperations)};
    default:
      return {fault, id};
  }
}

Diagnosis diagnose_end(Progress progress) {
  if (!(progress.seen & kOperations)) return {Fault::kNoOperation};
  return {Fault::kMaskIgnored, first_of(progress.seen & kMasks),
          first_of(progress.seen & kSetOperations)};
}

}  // namespace connmark
