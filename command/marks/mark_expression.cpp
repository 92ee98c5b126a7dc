// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/mark_expression.h"

namespace connmark {
namespace {

constexpr std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

constexpr BitValue kUnknown{.unknown = true};

BitValue both(const BitValue &left, const BitValue &right) {
  if (left.is_constant()) return left.inverted ? right : BitValue{};
  if (right.is_constant()) return right.inverted ? left : BitValue{};
  return left == right ? left : kUnknown;
}

BitValue either(const BitValue &left, const BitValue &right) {
  if (left.is_constant()) return left.inverted ? left : right;
  if (right.is_constant()) return right.inverted ? right : left;
  return left == right ? left : kUnknown;
}

// The XOR of two source bits: none, one of them, or more than can be said.
bool add_source(std::int8_t &to, std::int8_t from) {
  if (from < 0) return true;
  if (to >= 0 && to != from) return false;
  to = to == from ? std::int8_t{-1} : from;
  return true;
}

BitValue sum(BitValue left, const BitValue &right) {
  if (left.unknown || right.unknown) return kUnknown;
  if (!add_source(left.connection, right.connection) || !add_source(left.packet, right.packet)) {
    return kUnknown;
  }
  left.inverted = left.inverted != right.inverted;
  return left;
}

template <typename Combine>
MarkExpression combined(const MarkExpression &left, const MarkExpression &right, Combine combine) {
  MarkExpression result;
  for (int i = 0; i < 32; ++i) result.bit(i) = combine(left.bit(i), right.bit(i));
  return result;
}

bool is_kept(Mark mark, int index, const BitValue &value) {
  BitValue kept;
  (mark == Mark::kConnection ? kept.connection : kept.packet) = static_cast<std::int8_t>(index);
  return value == kept;
}

}  // namespace

MarkExpression MarkExpression::constant(std::uint32_t value) {
  MarkExpression result;
  for (int i = 0; i < 32; ++i) result.bit(i).inverted = (value & one(i)) != 0;
  return result;
}

MarkExpression MarkExpression::of(Mark mark) {
  MarkExpression result;
  for (int i = 0; i < 32; ++i) {
    BitValue &value = result.bit(i);
    (mark == Mark::kConnection ? value.connection : value.packet) = static_cast<std::int8_t>(i);
  }
  return result;
}

MarkExpression MarkExpression::unknown() {
  MarkExpression result;
  result.bits_.fill(kUnknown);
  return result;
}

std::uint32_t MarkExpression::unknown_bits() const {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (bit(i).unknown) bits |= one(i);
  }
  return bits;
}

bool MarkExpression::is_constant() const {
  for (const BitValue &value : bits_) {
    if (!value.is_constant()) return false;
  }
  return true;
}

std::uint32_t MarkExpression::constant_bits() const {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (bit(i).is_constant() && bit(i).inverted) bits |= one(i);
  }
  return bits;
}

MarkExpression MarkExpression::operator&(const MarkExpression &other) const {
  return combined(*this, other, both);
}

MarkExpression MarkExpression::operator|(const MarkExpression &other) const {
  return combined(*this, other, either);
}

MarkExpression MarkExpression::operator^(const MarkExpression &other) const {
  return combined(*this, other, sum);
}

MarkExpression MarkExpression::operator<<(std::uint32_t bits) const {
  MarkExpression result;
  if (bits > 31) return result;
  for (int i = static_cast<int>(bits); i < 32; ++i) result.bit(i) = bit(i - static_cast<int>(bits));
  return result;
}

MarkExpression MarkExpression::operator>>(std::uint32_t bits) const {
  MarkExpression result;
  if (bits > 31) return result;
  for (int i = 0; i < 32 - static_cast<int>(bits); ++i) {
    result.bit(i) = bit(i + static_cast<int>(bits));
  }
  return result;
}

MarkExpression shifted(const MarkExpression &value, Shift shift) {
  return shift.direction == Direction::kRight ? value >> shift.bits : value << shift.bits;
}

MarkExpression expression_of(const MarkRule &rule) {
  const Operation &op = rule.op;
  const Mark written = written_mark(rule);
  if (!is_known(op.mode)) return MarkExpression::of(written);
  const bool to_packet = rule.target == Target::kConnmark && op.mode == Mode::kRestore;
  const MarkExpression kept =
      MarkExpression::of(written) & MarkExpression::constant(~(to_packet ? op.nfmask : op.ctmask));
  if (op.mode == Mode::kSet) return shifted(kept ^ MarkExpression::constant(op.ctmark), op.shift);
  const MarkExpression copied = MarkExpression::of(other(written)) &
                                MarkExpression::constant(to_packet ? op.ctmask : op.nfmask);
  return kept ^ shifted(copied, op.shift);
}

std::uint32_t changed_bits(Mark mark, const MarkExpression &value) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    if (!is_kept(mark, i, value.bit(i))) bits |= one(i);
  }
  return bits;
}

std::uint32_t copied_bits(Mark mark, const MarkExpression &value) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    const BitValue &each = value.bit(i);
    if ((mark == Mark::kConnection ? each.packet : each.connection) >= 0) bits |= one(i);
  }
  return bits;
}

std::uint32_t source_bits(Mark from, Mark mark, const MarkExpression &value) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    const BitValue &each = value.bit(i);
    const std::int8_t source = from == Mark::kConnection ? each.connection : each.packet;
    if (source >= 0 && !is_kept(mark, i, each)) bits |= one(source);
  }
  return bits;
}

}  // namespace connmark
