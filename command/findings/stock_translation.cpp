// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/findings/stock_translation.h"

#include "command/marks/mark_expression.h"

namespace connmark {
namespace {

MarkExpression stock_set(const Operation &op) {
  const MarkExpression before = MarkExpression::of(Mark::kConnection);
  const MarkExpression value = MarkExpression::constant(op.ctmark);
  const MarkExpression kept = MarkExpression::constant(~op.ctmask);
  if (op.ctmask == kAllBits) return value;
  if (op.ctmark == 0) return before & kept;
  if (op.ctmark == op.ctmask) return before | value;
  if (op.ctmask == 0) return before ^ value;
  // "ct mark xor VALUE and ~MASK", where nft's `and` binds tighter.
  return before ^ (value & kept);
}

}  // namespace

StockTranslation stock_translation(const Operation &op) {
  MarkExpression stock;
  if (op.mode == Mode::kSet) {
    stock = stock_set(op);
  } else {
    if (op.nfmask != op.ctmask) return StockTranslation::kDeclined;
    // The bits outside the mask are forgotten.
    const Mark from = op.mode == Mode::kSave ? Mark::kPacket : Mark::kConnection;
    stock = MarkExpression::of(from) & MarkExpression::constant(op.nfmask);
  }
  const MarkRule rule{.target = Target::kConnmark, .op = op};
  return shifted(stock, op.shift) == expression_of(rule) ? StockTranslation::kExact
                                                         : StockTranslation::kInexact;
}

}  // namespace connmark
