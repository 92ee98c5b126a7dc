// SPDX-License-Identifier: GPL-2.0-or-later
//
// The value of a 32-bit register, or of a right side in nft, bit by bit, in
// terms of the two marks before the rule.
#pragma once

#include <array>
#include <cstdint>

#include "command/marks/mark_rule.h"

namespace connmark {

// The XOR of at most one bit of each mark and a constant, or unknown.
struct BitValue {
  std::int8_t connection = -1;  // bit of the connection's mark, -1 for none
  std::int8_t packet = -1;      // bit of the packet's mark, -1 for none
  bool inverted = false;        // the constant
  bool unknown = false;         // then nothing else is said

  constexpr bool is_constant() const { return !unknown && connection < 0 && packet < 0; }
  constexpr bool operator==(const BitValue &) const = default;
};

// What each operator below cannot say in a BitValue becomes unknown, and only in
// the bits concerned: nothing is guessed.
class MarkExpression {
 public:
  // The constant 0.
  constexpr MarkExpression() = default;

  static MarkExpression constant(std::uint32_t value);
  static MarkExpression of(Mark mark);
  static MarkExpression unknown();

  const BitValue &bit(int index) const { return bits_[static_cast<std::size_t>(index)]; }
  BitValue &bit(int index) { return bits_[static_cast<std::size_t>(index)]; }
  std::uint32_t unknown_bits() const;
  bool is_constant() const;
  std::uint32_t constant_bits() const;  // the bits that are a constant 1

  MarkExpression operator&(const MarkExpression &other) const;
  MarkExpression operator|(const MarkExpression &other) const;
  MarkExpression operator^(const MarkExpression &other) const;
  // `bits` is 0 to 31; more yields 0, as in the kernel's tables of shifted().
  MarkExpression operator<<(std::uint32_t bits) const;
  MarkExpression operator>>(std::uint32_t bits) const;

  bool operator==(const MarkExpression &) const = default;

 private:
  std::array<BitValue, 32> bits_ = {};
};

// As the function of this name does with numbers.
MarkExpression shifted(const MarkExpression &value, Shift shift);

// What `rule` makes of the mark that it writes.
MarkExpression expression_of(const MarkRule &rule);

// The bits that writing `value` to `mark` changes, or may change.
std::uint32_t changed_bits(Mark mark, const MarkExpression &value);

// Those of them that are copied from the other mark, alone or mixed in.
std::uint32_t copied_bits(Mark mark, const MarkExpression &value);

// The bits of `from` that reach some bit which writing `value` to `mark` changes.
std::uint32_t source_bits(Mark from, Mark mark, const MarkExpression &value);

}  // namespace connmark
