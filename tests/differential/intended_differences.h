// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the plugin means to differ from the one that iptables brings.  All else
// must be the same.
#pragma once

#include <span>
#include <string_view>

#include "differential/comparison.h"

namespace connmark::test {

// The requests that are put to both plugins together.
enum Run : unsigned {
  kOptionsOfRevision1 = 1,
  kOptionsOfRevision2 = 2,
  kBytesOfRevision1 = 4,
  kBytesOfRevision2 = 8,
  kHelpOfRevision1 = 16,
  kHelpOfRevision2 = 32,
};

struct IntendedDifference {
  std::string_view name;
  Aspect aspect;
  std::string_view stock;  // what the stock plugin does
  std::string_view ours;   // what ours does instead
  unsigned seen_in;        // the runs in which it must be seen

  // Whether the answers must differ; looks at the request and at stock's answer
  // only.  No two entries of one aspect apply to the same request.
  bool (*applies)(const Comparison &);

  // Whether our answer is the intended one.
  bool (*is_as_intended)(const Comparison &);

  // Stock's behaviour is undefined here, and may by chance be the right one.
  bool may_agree = false;
};

std::span<const IntendedDifference> intended_differences();

}  // namespace connmark::test
