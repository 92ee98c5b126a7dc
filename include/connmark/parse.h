// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the user's options to an Operation.
#pragma once

#include "connmark/diagnosis.h"
#include "connmark/operation.h"
#include "connmark/options.h"

namespace connmark {

// Which options have been read for a rule; all zero before the first.
struct Progress {
  OptionSet seen = 0;
  bool mask_replaced = false;  // kMaskReplaced has been diagnosed
};

// The same in one number, as libxtables keeps one for each rule between two
// options: the bits of the set, and the highest.
inline constexpr OptionSet kMaskReplacedBit = OptionSet{1} << 31;
static_assert((kAllOptions & kMaskReplacedBit) == 0);

constexpr unsigned int to_number(Progress progress) {
  return progress.seen | (progress.mask_replaced ? kMaskReplacedBit : 0);
}

constexpr Progress to_progress(unsigned int number) {
  return {number & ~kMaskReplacedBit, (number & kMaskReplacedBit) != 0};
}

// Reads one option into `op`, which starts as Operation{}.
//
//   argument  NUL-terminated; ignored for an option without argument
//   inverted  whether a "!" stood before the option
//
// Numbers are what xtables_strtoui accepts in base 0: decimal, 0x hexadecimal,
// 0 octal, leading blanks and sign as in strtoull(3), 0 to 0xffffffff.  After
// an error (is_error) neither `op` nor `progress` has changed.  After every
// other answer both have; kMaskReplaced is the only warning given here.
//
// The place of a mask option next to a set operation matters, as it always did
// in iptables: behind it, --ctmask and --mask replace the operation's mask;
// before it they have no effect.
[[nodiscard]] Diagnosis parse_option(OptionId id, const char *argument, bool inverted,
                                     Progress &progress, Operation &op);

// Whether the options that were read make a rule of which all has an effect.
constexpr bool is_complete(Progress progress) {
  const bool has_idle_mask = (progress.seen & kSetOperations) != 0 &&
                             (progress.seen & kMasks) != 0 && !progress.mask_replaced;
  return (progress.seen & kOperations) != 0 && !has_idle_mask;
}

// To be called behind the last option: kNoOperation, kMaskIgnored or, where the
// rule is_complete, kNone.
[[nodiscard]] Diagnosis parse_end(Progress progress);

}  // namespace connmark
