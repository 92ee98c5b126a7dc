// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/refusal.h"

namespace connmark {

// The kernel shows something to others only.
class AccessRefusal : public Refusal {
 public:
  using Refusal::Refusal;
};

// Throws the Refusal for `error` (of errno) in reading a part of the kernel, in
// words that stand behind the part's name.
[[noreturn]] void refuse_access(int error);

}  // namespace connmark
