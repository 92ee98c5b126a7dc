// SPDX-License-Identifier: GPL-2.0-or-later
//
// What can be wrong with a command line, and the one line that says so.
#pragma once

#include "connmark/operation.h"
#include "connmark/options.h"
#include "connmark/text_buffer.h"

namespace connmark {

enum class Fault : std::uint8_t {
  kNone,
  // Errors: the rule is refused.
  kInverted,         // "!" before the option
  kRepeated,         // the option stands twice
  kSecondOperation,  // `other` is the first one
  kSecondShift,      // `other` is the first one
  kMaskConflict,     // --mask next to --nfmask or --ctmask, which is `other`
  kNotANumber,       // the argument is no number, is negative, or has trailing text
  kOutOfRange,       // the argument is a number, and too large
  kNotAMarkAndMask,  // the argument is not VALUE or VALUE/MASK
  kNoOperation,      // the rule has none
  // Warnings: the rule is taken.
  kMaskReplaced,  // a mask option behind the set operation `other` replaced its mask
  kMaskIgnored,   // a mask option next to the set operation `other` has no effect
};

constexpr bool is_error(Fault fault) {
  return fault != Fault::kNone && fault < Fault::kMaskReplaced;
}

// `argument` is the user's text where the fault lies in it, else null.
// `option` has no meaning for kNoOperation, `other` only where Fault says so.
struct Diagnosis {
  Fault fault = Fault::kNone;
  OptionId option = {};
  OptionId other = {};
  const char *argument = nullptr;
};

// The line for the user, without a line break, for any fault but kNone:
// option, value in quotes, what is accepted.  Of `op`, the rule as read so far,
// only kMaskReplaced makes use.  Unprintable bytes of the argument are written
// as \xHH and a long argument is cut, so the line always fits.
TextBuffer describe(const Diagnosis &diagnosis, const Operation &op);

}  // namespace connmark
