// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/parse.h"

#include <xtables.h>

#include <bit>

#include "apply_option.h"

namespace connmark {
namespace {

// The option of `set`, which must not be empty.
OptionId first_of(OptionSet set) { return static_cast<OptionId>(std::countr_zero(set)); }

// What an option's argument says.
struct Reading {
  Fault fault = Fault::kNone;
  std::uint32_t value = 0;
  std::uint32_t mask = kAllBits;
};

Reading read_mark(const char *text, std::uint32_t max) {
  char *end = nullptr;
  unsigned int value = 0;
  const bool in_range = xtables_strtoui(text, &end, &value, 0, max);
  // libxtables leaves `end` alone where the text does not begin with a number.
  if (end == nullptr || *end != '\0') return {Fault::kNotANumber};
  if (!in_range) return {Fault::kOutOfRange};
  return {Fault::kNone, value};
}

Reading read_mark_and_mask(const char *text) {
  char *end = nullptr;
  unsigned int value = 0;
  if (!xtables_strtoui(text, &end, &value, 0, kAllBits)) return {Fault::kNotAMarkAndMask};
  if (*end == '\0') return {Fault::kNone, value};
  if (*end != '/') return {Fault::kNotAMarkAndMask};
  const Reading mask = read_mark(end + 1, kAllBits);
  if (mask.fault != Fault::kNone) return {Fault::kNotAMarkAndMask};
  return {Fault::kNone, value, mask.value};
}

// The options that must not stand before `id`.
OptionSet excluded_by(OptionId id) {
  const Role role = option(id).role;
  if (is_operation(role)) return kOperations;
  if (role == Role::kShift) return kShifts;
  return id == OptionId::kMask ? kMasks : bit(id) | bit(OptionId::kMask);
}

// What speaks against reading `id` behind some of the options that it excludes.
Fault fault_of_place(OptionId id, OptionSet excluded) {
  if (excluded & bit(id)) return Fault::kRepeated;
  const Role role = option(id).role;
  if (is_operation(role)) return Fault::kSecondOperation;
  return role == Role::kShift ? Fault::kSecondShift : Fault::kMaskConflict;
}

Reading read_argument(OptionId id, const char *argument) {
  switch (option(id).argument) {
    case Argument::kNone:
      return {};
    case Argument::kMark:
      return read_mark(argument, kAllBits);
    case Argument::kMarkAndMask:
      return read_mark_and_mask(argument);
    case Argument::kShiftBits:
      return read_mark(argument, kMaxShiftBits);
  }
  return {};
}

}  // namespace

Diagnosis parse_option(OptionId id, const char *argument, bool inverted, Progress &progress,
                       Operation &op) {
  if (inverted) return {Fault::kInverted, id};
  const OptionSet excluded = progress.seen & excluded_by(id);
  if (excluded != 0) return {fault_of_place(id, excluded), id, first_of(excluded)};
  const Reading reading = read_argument(id, argument);
  if (reading.fault != Fault::kNone) return {reading.fault, id, {}, argument};

  const OptionSet set_before = progress.seen & kSetOperations;
  apply_option(id, reading.value, reading.mask, set_before != 0, op);
  progress.seen |= bit(id);
  if (set_before != 0 && (id == OptionId::kCtmask || id == OptionId::kMask)) {
    progress.mask_replaced = true;
    return {Fault::kMaskReplaced, id, first_of(set_before)};
  }
  return {};
}

Diagnosis parse_end(Progress progress) {
  if (is_complete(progress)) return {};
  if (!(progress.seen & kOperations)) return {Fault::kNoOperation};
  return {Fault::kMaskIgnored, first_of(progress.seen & kMasks),
          first_of(progress.seen & kSetOperations)};
}

}  // namespace connmark
