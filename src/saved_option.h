// SPDX-License-Identifier: GPL-2.0-or-later
//
// The short way for the rules that iptables-save writes, of which a big
// iptables-restore has thousands.
#pragma once

#include "apply_option.h"
#include "connmark/parse.h"
#include "connmark/wire.h"

namespace connmark {

struct PlainNumber {
  const char *end;  // behind the number, or null where there is none
  std::uint32_t value;
};

// What each byte is as a hexadecimal digit, -1 if it is none.
inline constexpr auto kHexDigits = [] {
  struct {
    signed char of[256];
  } digits{};
  for (signed char &digit : digits.of) digit = -1;
  for (signed char i = 0; i < 10; ++i) digits.of['0' + i] = i;
  for (signed char i = 10; i < 16; ++i) digits.of['a' + i - 10] = i;
  return digits;
}();

inline int digit_at(const char *text) { return kHexDigits.of[static_cast<unsigned char>(*text)]; }

// 0x and one to eight lower-case digits.  A function of its own, which leaves its
// caller registers enough to do without the stack.
[[gnu::noinline]] static PlainNumber read_plain_number(const char *text) {
  if (text[0] != '0' || text[1] != 'x') return {};
  const char *end = text + 2;
  int digit = digit_at(end);
  if (digit < 0) return {};
  std::uint32_t value = 0;
  do {
    value = value << 4 | static_cast<std::uint32_t>(digit);
    digit = digit_at(++end);
  } while (digit >= 0);
  if (end > text + 10) return {};
  return {end, value};
}

inline constexpr OptionSet kCopies = bit(OptionId::kSaveMark) | bit(OptionId::kRestoreMark);

// All with no set operation before it.
template <Revision revision, OptionId id>
void write_option(std::uint32_t value, std::uint32_t mask, OptionSet &seen, void *bytes) {
  Operation op = decode<revision>(bytes);
  apply_option(id, value, mask, false, op);
  encode<revision>(op, bytes);
  seen |= bit(id);
}

template <Revision revision>
bool read_saved_set(const char *argument, OptionSet &seen, void *bytes) {
  if (seen != 0) return false;
  const PlainNumber value = read_plain_number(argument);
  if (value.end == nullptr || *value.end != '/') return false;
  const PlainNumber mask = read_plain_number(value.end + 1);
  if (mask.end == nullptr || *mask.end != '\0') return false;
  write_option<revision, OptionId::kSetXmark>(value.value, mask.value, seen, bytes);
  return true;
}

template <Revision revision, OptionId id>
bool read_saved_copy(OptionSet &seen, void *bytes) {
  if (seen != 0) return false;
  write_option<revision, id>(0, 0, seen, bytes);
  return true;
}

template <Revision revision, OptionId id>
bool read_saved_mask(const char *argument, OptionSet &seen, void *bytes) {
  constexpr OptionSet kMayBeBefore =
      id == OptionId::kNfmask ? kCopies : kCopies | bit(OptionId::kNfmask);
  if ((seen & ~kMayBeBefore) != 0) return false;
  const PlainNumber mask = read_plain_number(argument);
  if (mask.end == nullptr || *mask.end != '\0') return false;
  write_option<revision, id>(mask.value, 0, seen, bytes);
  return true;
}

// `seen` is a Progress as a number.
//
// Reads an option that iptables-save writes, in the place and with the number
// that it writes, into the bytes of the rule.  Answers false to anything else,
// right or wrong, and has then changed nothing: that is for parse_option.
template <Revision revision>
[[gnu::always_inline]] inline bool read_saved_option(OptionId id, const char *argument,
                                                     OptionSet &seen, void *bytes) {
  switch (id) {
    case OptionId::kSetXmark:
      return read_saved_set<revision>(argument, seen, bytes);
    case OptionId::kSaveMark:
      return read_saved_copy<revision, OptionId::kSaveMark>(seen, bytes);
    case OptionId::kRestoreMark:
      return read_saved_copy<revision, OptionId::kRestoreMark>(seen, bytes);
    case OptionId::kNfmask:
      return read_saved_mask<revision, OptionId::kNfmask>(argument, seen, bytes);
    case OptionId::kCtmask:
      return read_saved_mask<revision, OptionId::kCtmask>(argument, seen, bytes);
    default:
      return false;
  }
}

}  // namespace connmark
