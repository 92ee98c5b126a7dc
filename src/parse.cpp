// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/parse.h"

#include <xtables.h>

#include <bit>

namespace connmark {
namespace {

// The option of `set`, which must not be empty.
OptionId first_of(OptionSet set) { return static_cast<OptionId>(std::countr_zero(set)); }

// What an option's argument says.  Returned, not written through pointers, which
// would keep the numbers of every rule in memory and cost a stack protector.
struct Reading {
  Fault fault = Fault::kNone;
  std::uint32_t value = 0;
  std::uint32_t mask = kAllBits;
};

[[gnu::cold, gnu::noinline]] Reading read_any_mark(const char *text, std::uint32_t max) {
  char *end = nullptr;
  unsigned int value = 0;
  const bool in_range = xtables_strtoui(text, &end, &value, 0, max);
  // libxtables leaves `end` alone where the text does not begin with a number.
  if (end == nullptr || *end != '\0') return {Fault::kNotANumber};
  if (!in_range) return {Fault::kOutOfRange};
  return {Fault::kNone, value};
}

[[gnu::cold, gnu::noinline]] Reading read_any_mark_and_mask(const char *text) {
  char *end = nullptr;
  unsigned int value = 0;
  if (!xtables_strtoui(text, &end, &value, 0, kAllBits)) return {Fault::kNotAMarkAndMask};
  if (*end == '\0') return {Fault::kNone, value};
  if (*end != '/') return {Fault::kNotAMarkAndMask};
  const Reading mask = read_any_mark(end + 1, kAllBits);
  if (mask.fault != Fault::kNone) return {Fault::kNotAMarkAndMask};
  return {Fault::kNone, value, mask.value};
}

struct PlainHex {
  const char *end;  // of the number, or null where there is none
  std::uint32_t value;
};

// What iptables-save writes, 0x and up to eight digits, is spared the detours of
// xtables_strtoui, which cost more than the whole parser.
inline PlainHex read_plain_hex(const char *text) {
  if (text[0] != '0' || text[1] != 'x') return {};
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
  if (end == text + 2 || end > text + 10) return {};
  return {end, value};
}

inline Reading read_mark(const char *text, std::uint32_t max) {
  const PlainHex number = read_plain_hex(text);
  if (number.end != nullptr && *number.end == '\0' && number.value <= max) {
    return {Fault::kNone, number.value};
  }
  return read_any_mark(text, max);
}

inline Reading read_mark_and_mask(const char *text) {
  const PlainHex value = read_plain_hex(text);
  if (value.end != nullptr && *value.end == '/') {
    const PlainHex mask = read_plain_hex(value.end + 1);
    if (mask.end != nullptr && *mask.end == '\0') return {Fault::kNone, value.value, mask.value};
  }
  return read_any_mark_and_mask(text);
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
void set_operation(Operation &op, const Operation &set) {
  op.mode = set.mode;
  op.ctmark = set.ctmark;
  op.ctmask = set.ctmask;
  op.nfmask = set.nfmask;
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

}  // namespace

Fault read_option(OptionId id, const char *argument, bool inverted, Progress &progress,
                  Operation &op) {
  if (inverted) return Fault::kInverted;
  const OptionSet excluded = progress.seen & kExcluded.by[static_cast<std::size_t>(id)];
  if (excluded != 0) return fault_of_place(id, excluded);

  Reading reading;
  switch (option(id).argument) {
    case Argument::kNone:
      break;
    case Argument::kMark:
      reading = read_mark(argument, kAllBits);
      break;
    case Argument::kMarkAndMask:
      reading = read_mark_and_mask(argument);
      break;
    case Argument::kShiftBits:
      reading = read_any_mark(argument, kMaxShiftBits);
      break;
  }
  if (reading.fault != Fault::kNone) return reading.fault;

  const bool set_before = (progress.seen & kSetOperations) != 0;
  apply_option(id, reading.value, reading.mask, set_before, op);
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
