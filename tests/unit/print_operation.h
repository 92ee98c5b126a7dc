// SPDX-License-Identifier: GPL-2.0-or-later
//
// How GoogleTest shows the values that a failed comparison is about.
#pragma once

#include <ios>
#include <ostream>

#include "connmark/operation.h"

namespace connmark {

inline void PrintTo(const Operation &op, std::ostream *out) {
  *out << std::hex << std::showbase << "{mode " << static_cast<unsigned>(op.mode) << ", ctmark "
       << op.ctmark << ", ctmask " << op.ctmask << ", nfmask " << op.nfmask << ", shift "
       << (op.shift.direction == Direction::kRight ? "right " : "left ") << std::dec
       << unsigned{op.shift.bits} << "}";
}

inline void PrintTo(const Marks &marks, std::ostream *out) {
  *out << std::hex << std::showbase << "{ct " << marks.ct << ", nf " << marks.nf << "}" << std::dec;
}

}  // namespace connmark
