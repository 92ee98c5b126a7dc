// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/mark_rule.h"

#include "command/output/number_text.h"
#include "connmark/save.h"

namespace connmark {
namespace {

// `text`, in parentheses where something is to be done to it.
std::string grouped(const std::string &text) {
  return text.find(' ') == text.npos ? text : "(" + text + ")";
}

std::string with_shift_sign(const std::string &text, Shift shift) {
  if (shift.bits == 0) return text;
  return grouped(text) + (shift.direction == Direction::kRight ? " >> " : " << ") +
         std::to_string(shift.bits);
}

std::string joined(const std::string &left, const std::string &right) {
  if (left.empty()) return right;
  if (right.empty()) return left;
  return grouped(left) + " ^ " + grouped(right);
}

// `mark` without the bits of `mask`, empty if none is left.
std::string without(const char *mark, std::uint32_t mask) {
  if (mask == kAllBits) return "";
  return mask == 0 ? mark : std::string(mark) + " & ~" + hex(mask);
}

// `mark` with only the bits of `mask`, empty if none is left.
std::string only(const char *mark, std::uint32_t mask) {
  if (mask == 0) return "";
  return mask == kAllBits ? mark : std::string(mark) + " & " + hex(mask);
}

std::string right_side(const MarkRule &rule) {
  const Operation &op = rule.op;
  const Mark written = written_mark(rule);
  if (op.mode == Mode::kSet) {
    const std::string value = op.ctmark == 0 ? "" : hex(op.ctmark);
    if (op.ctmark != 0 && op.ctmark == op.ctmask && op.ctmask != kAllBits) {
      return with_shift_sign(std::string(name(written)) + " | " + value, op.shift);
    }
    const std::string sum = joined(without(name(written), op.ctmask), value);
    return sum.empty() ? "0" : with_shift_sign(sum, op.shift);
  }
  const bool save = op.mode == Mode::kSave;
  const std::string kept = without(name(written), save ? op.ctmask : op.nfmask);
  const std::string copied = only(name(other(written)), save ? op.nfmask : op.ctmask);
  const std::string sum = joined(kept, copied.empty() ? copied : with_shift_sign(copied, op.shift));
  return sum.empty() ? "0" : sum;
}

}  // namespace

std::string saved_form(const MarkRule &rule) {
  return std::string("-j ") + name(rule.target) + std::string(save_text(rule.op).view());
}

std::string formula(const MarkRule &rule) {
  return std::string(name(written_mark(rule))) + " = " + right_side(rule);
}

}  // namespace connmark
