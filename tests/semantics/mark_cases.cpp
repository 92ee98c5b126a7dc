// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/mark_cases.h"

#include <cstdio>

namespace connmark::test {
namespace {

bool bit_of(std::uint32_t value, int index) {
  return index >= 0 && index < 32 && ((value >> index) & 1) != 0;
}

std::uint32_t any_bits(RandomRules &random) {
  return random.below(1 << 16) << 16 | random.below(1 << 16);
}

}  // namespace

Marks kernel_effect(const Operation &op, Marks marks) {
  Marks result = marks;
  for (int i = 0; i < 32; ++i) {
    const int n = op.shift.bits;
    const int from = op.shift.direction == Direction::kRight ? i + n : i - n;
    const std::uint32_t here = std::uint32_t{1} << i;
    switch (op.mode) {
      case Mode::kSet: {
        const bool kept = bit_of(marks.ct, from) && !bit_of(op.ctmask, from);
        result.ct = (result.ct & ~here) | (kept != bit_of(op.ctmark, from) ? here : 0);
        break;
      }
      case Mode::kSave: {
        const bool kept = bit_of(marks.ct, i) && !bit_of(op.ctmask, i);
        const bool copied = bit_of(marks.nf, from) && bit_of(op.nfmask, from);
        result.ct = (result.ct & ~here) | (kept != copied ? here : 0);
        break;
      }
      case Mode::kRestore: {
        const bool kept = bit_of(marks.nf, i) && !bit_of(op.nfmask, i);
        const bool copied = bit_of(marks.ct, from) && bit_of(op.ctmask, from);
        result.nf = (result.nf & ~here) | (kept != copied ? here : 0);
        break;
      }
    }
  }
  return result;
}

MarkCase predicted(const Operation &op, Marks before) { return {op, before, apply(op, before)}; }

std::vector<Marks> settling_marks() {
  std::vector<Marks> marks{{0, 0}, {kAllBits, kAllBits}};
  for (int i = 0; i < 32; ++i) {
    marks.push_back({std::uint32_t{1} << i, 0});
    marks.push_back({0, std::uint32_t{1} << i});
  }
  return marks;
}

std::vector<Operation> random_operations(RandomRules &random, std::size_t count) {
  std::vector<Operation> ops;
  for (std::size_t i = 0; i < count; ++i) ops.push_back(random.operation());
  return ops;
}

std::vector<MarkCase> mark_cases(RandomRules &random, const std::vector<Operation> &ops,
                                 std::size_t settled) {
  std::vector<MarkCase> cases;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Marks before{any_bits(random), any_bits(random)};
    cases.push_back(predicted(ops[i], before));
    if (i >= settled) continue;
    for (const Marks each : settling_marks()) cases.push_back(predicted(ops[i], each));
  }
  return cases;
}

std::vector<MarkCase> without_connection(std::vector<MarkCase> cases) {
  for (MarkCase &each : cases) each.after = each.before;
  return cases;
}

std::vector<Operation> empty_restores() {
  return {restore_mark(kAllBits, 0), restore_mark(0x3, 0), restore_mark(0, 0),
          with_shift(restore_mark(0xff, 0xff), Direction::kRight, 8),
          with_shift(restore_mark(kAllBits, 0xff00), Direction::kLeft, 31)};
}

std::vector<MarkCase> wrong_predictions(const MarkCase &right) {
  std::vector<MarkCase> cases;
  for (int i = 0; i < 32; ++i) {
    MarkCase wrong = right;
    wrong.after.ct ^= std::uint32_t{1} << i;
    cases.push_back(wrong);
    wrong = right;
    wrong.after.nf ^= std::uint32_t{1} << i;
    cases.push_back(wrong);
  }
  return cases;
}

std::string to_string(Marks marks) {
  char text[48];
  std::snprintf(text, sizeof text, "ct 0x%08x nf 0x%08x", marks.ct, marks.nf);
  return text;
}

}  // namespace connmark::test
