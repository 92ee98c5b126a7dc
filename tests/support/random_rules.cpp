// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/random_rules.h"

#include <cstdio>
#include <cstdlib>

namespace connmark::test {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

}  // namespace

std::uint32_t RandomRules::mark() {
  switch (below(8)) {
    case 0:
      return 0;
    case 1:
      return kAllBits;
    case 2:
      return std::uint32_t{1} << below(32);
    case 3:
    case 4:
      return (kAllBits >> below(32)) << below(32);
    case 5:
      return below(256);
    default:
      return static_cast<std::uint32_t>(engine_());
  }
}

Operation RandomRules::operation() {
  Operation op;
  switch (below(3)) {
    case 0:
      op = set_xmark(mark(), mark());
      break;
    case 1:
      op = save_mark(mark(), mark());
      if (one_in(2)) op.ctmask = op.nfmask;
      break;
    default:
      op = restore_mark(mark(), mark());
      if (one_in(2)) op.nfmask = op.ctmask;
      break;
  }
  if (one_in(2)) {
    op.shift.direction = one_in(2) ? Direction::kLeft : Direction::kRight;
    op.shift.bits = static_cast<std::uint8_t>(below(kMaxShiftBits + 1));
  }
  return canonical(op);
}

std::uint64_t random_seed() {
  const char *seed = std::getenv("CONNMARK_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 0) : 20100607;
}

std::string options_for(const Operation &op) {
  std::string options;
  if (op.mode == Mode::kSet) {
    options = "--set-xmark " + hex(op.ctmark) + "/" + hex(op.ctmask);
  } else {
    options = op.mode == Mode::kSave ? "--save-mark" : "--restore-mark";
    options += " --nfmask " + hex(op.nfmask) + " --ctmask " + hex(op.ctmask);
  }
  if (op.shift.bits != 0) {
    options +=
        op.shift.direction == Direction::kLeft ? " --left-shift-mark " : " --right-shift-mark ";
    options += std::to_string(op.shift.bits);
  }
  return options;
}

}  // namespace connmark::test
