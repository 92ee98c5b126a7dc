// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every fact about an option stands here, once: the getopt tables, the help
// text, the parser and the error messages are made from this table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connmark {

enum class Role : std::uint8_t {
  kSetOperation,   // edits the connection mark; a rule holds exactly one operation
  kCopyOperation,  // copies one mark to the other
  kMask,           // selects bits of a copy
  kShift,          // revision 2 only
};

enum class Argument : std::uint8_t {
  kNone,
  kMark,         // 32-bit number
  kMarkAndMask,  // 32-bit number, optionally / and a second one
  kShiftBits,    // number from 0 to kMaxShiftBits
};

// In the order of the table.
enum class OptionId : std::uint8_t {
  kSetXmark,
  kSaveMark,
  kRestoreMark,
  kNfmask,
  kCtmask,
  kMask,
  kSetMark,
  kAndMark,
  kOrMark,
  kXorMark,
  kLeftShiftMark,
  kRightShiftMark,
};

// A text that stands in the table itself: a pointer to it would be a relocation,
// to be made by each call of iptables.
template <std::size_t capacity>
class InlineText {
 public:
  template <std::size_t size>
  consteval InlineText(const char (&literal)[size]) : size_(size - 1) {
    static_assert(size <= capacity);
    for (std::size_t i = 0; i < size; ++i) text_[i] = literal[i];
  }

  constexpr bool empty() const { return size_ == 0; }
  constexpr operator std::string_view() const { return {text_, size_}; }
  constexpr const char *c_str() const { return text_; }

 private:
  std::uint8_t size_;
  char text_[capacity] = {};
};

struct Option {
  OptionId id;
  InlineText<17> name;  // without the dashes
  Role role;
  Argument argument;
  InlineText<27> syntax;   // as the help prints it
  InlineText<53> meaning;  // what the rule does, as the help prints it
};

// getopt_long compares an option that it meets with the names in this order,
// so those that iptables-save writes come first.
inline constexpr Option kOptions[] = {
    {OptionId::kSetXmark, "set-xmark", Role::kSetOperation, Argument::kMarkAndMask,
     "--set-xmark value[/mask]", "ctmark = (ctmark & ~mask) ^ value"},
    {OptionId::kSaveMark, "save-mark", Role::kCopyOperation, Argument::kNone, "--save-mark",
     "ctmark = (ctmark & ~ctmask) ^ (nfmark & nfmask)"},
    {OptionId::kRestoreMark, "restore-mark", Role::kCopyOperation, Argument::kNone,
     "--restore-mark", "nfmark = (nfmark & ~nfmask) ^ (ctmark & ctmask)"},
    {OptionId::kNfmask, "nfmask", Role::kMask, Argument::kMark, "  --nfmask mask",
     "nfmask of a copy, 0xffffffff if not given"},
    {OptionId::kCtmask, "ctmask", Role::kMask, Argument::kMark, "  --ctmask mask",
     "ctmask of a copy, 0xffffffff if not given"},
    {OptionId::kMask, "mask", Role::kMask, Argument::kMark, "  --mask mask",
     "both masks of a copy"},
    {OptionId::kSetMark, "set-mark", Role::kSetOperation, Argument::kMarkAndMask,
     "--set-mark value[/mask]", "ctmark = (ctmark & ~mask) | value"},
    {OptionId::kAndMark, "and-mark", Role::kSetOperation, Argument::kMark, "--and-mark bits",
     "ctmark = ctmark & bits"},
    {OptionId::kOrMark, "or-mark", Role::kSetOperation, Argument::kMark, "--or-mark bits",
     "ctmark = ctmark | bits"},
    {OptionId::kXorMark, "xor-mark", Role::kSetOperation, Argument::kMark, "--xor-mark bits",
     "ctmark = ctmark ^ bits"},
    {OptionId::kLeftShiftMark, "left-shift-mark", Role::kShift, Argument::kShiftBits,
     "--left-shift-mark n", "shift a set's result or the copied bits left (0-31)"},
    {OptionId::kRightShiftMark, "right-shift-mark", Role::kShift, Argument::kShiftBits,
     "--right-shift-mark n", "the same to the right (0-31)"},
};

inline constexpr std::size_t kOptionCount = sizeof kOptions / sizeof *kOptions;

constexpr const Option &option(OptionId id) { return kOptions[static_cast<std::size_t>(id)]; }

constexpr bool is_operation(Role role) {
  return role == Role::kSetOperation || role == Role::kCopyOperation;
}

// A set of options, one bit for each OptionId.
using OptionSet = std::uint32_t;

constexpr OptionSet bit(OptionId id) { return OptionSet{1} << static_cast<unsigned>(id); }

template <typename Predicate>
constexpr OptionSet options_where(Predicate predicate) {
  OptionSet set = 0;
  for (const Option &each : kOptions) {
    if (predicate(each.role)) set |= bit(each.id);
  }
  return set;
}

inline constexpr OptionSet kAllOptions = options_where([](Role) { return true; });
inline constexpr OptionSet kOperations = options_where(is_operation);
inline constexpr OptionSet kSetOperations =
    options_where([](Role role) { return role == Role::kSetOperation; });
inline constexpr OptionSet kMasks = options_where([](Role role) { return role == Role::kMask; });
inline constexpr OptionSet kShifts = options_where([](Role role) { return role == Role::kShift; });

static_assert(
    [] {
      for (std::size_t i = 0; i < kOptionCount; ++i) {
        if (static_cast<std::size_t>(kOptions[i].id) != i) return false;
      }
      return true;
    }(),
    "kOptions is in the order of OptionId");

}  // namespace connmark
