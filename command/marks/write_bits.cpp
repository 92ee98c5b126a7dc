// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/write_bits.h"

namespace connmark {
namespace {

constexpr std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

}  // namespace

WriteBits write_bits(const MarkWrite &write) {
  WriteBits bits;
  for (int i = 0; i < 32; ++i) {
    const BitValue &value = write.value.bit(i);
    const bool to_connection = write.mark == Mark::kConnection;
    const int own = to_connection ? value.connection : value.packet;
    const int from = to_connection ? value.packet : value.connection;
    if (!value.unknown && own == i && from < 0 && !value.inverted) continue;
    bits.changed |= one(i);
    if (value.unknown) {
      bits.unknown |= one(i);
      bits.may_be_one |= one(i);
      continue;
    }
    if (value.inverted) bits.may_be_one |= one(i);
    if (value.is_constant()) {
      bits.constant |= one(i);
      if (value.inverted) bits.ones |= one(i);
    }
    if (from >= 0) {
      bits.copied |= one(i);
      bits.other_sources |= one(from);
    }
    if (own >= 0) bits.own_sources |= one(own);
  }
  return bits;
}

std::uint32_t chosen_bits(const WriteBits &bits) {
  // What is neither constant nor copied is flipped or moved.
  const std::uint32_t edited = bits.changed & ~bits.constant & ~bits.copied & ~bits.unknown;
  const bool masked = bits.copied == 0 && bits.constant != kAllBits;
  return (masked ? bits.constant : bits.ones) | (edited == kAllBits ? 0 : edited);
}

std::uint32_t tested_bits(const MarkTest &test) {
  if (test.mask != kAllBits) return test.mask;
  return test.value_known ? test.value : 0;
}

std::uint32_t tested_bits(const PolicyRule &rule) {
  return rule.mask == kAllBits ? rule.value : rule.mask;
}

}  // namespace connmark
