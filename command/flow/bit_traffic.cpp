// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/bit_traffic.h"

#include <bit>

namespace connmark {
namespace {

template <typename Visitor>
void each_bit(BitsOfBoth bits, const Visitor &visitor) {
  for (; bits != 0; bits &= bits - 1) {
    visitor(static_cast<std::size_t>(std::countr_zero(bits)));
  }
}

BitsOfBoth closure(BitsOfBoth bits, const std::array<BitsOfBoth, 64> &steps) {
  BitsOfBoth last = 0;
  while (bits != last) {
    const BitsOfBoth added = bits & ~last;
    last = bits;
    each_bit(added, [&](std::size_t bit) { bits |= steps[bit]; });
  }
  return bits;
}

}  // namespace

BitsOfBoth written_by(const Rule &rule) {
  BitsOfBoth bits = 0;
  for (const MarkWrite &write : rule.writes) {
    bits |= bits_of(write.mark, changed_bits(write.mark, write.value));
  }
  return bits;
}

BitsOfBoth looked_at_by(const Rule &rule) {
  BitsOfBoth bits = 0;
  for (const MarkTest &test : rule.tests) bits |= bits_of(test.mark, test.mask);
  return bits;
}

BitTraffic::BitTraffic(const Ruleset &ruleset) {
  BitsOfBoth written = 0;
  BitsOfBoth decides_ways = 0;
  for (const Rule &rule : ruleset.rules) {
    const BitsOfBoth tested = looked_at_by(rule);
    const BitsOfBoth here = written_by(rule);
    written |= here;
    looked_at_ |= tested;
    each_bit(tested, [&](std::size_t bit) { leads_to_[bit] |= here; });
    if (rule.outcome.verdict != Verdict::kContinue || rule.branches || rule.untracks) {
      decides_ways |= tested;
    }
    for (const MarkWrite &write : rule.writes) {
      for (int i = 0; i < 32; ++i) {
        const BitValue &value = write.value.bit(i);
        const BitsOfBoth to = bits_of(write.mark, std::uint32_t{1} << i);
        const auto copy = [&](Mark mark, std::int8_t from) {
          if (from < 0) return;
          const BitsOfBoth source = bits_of(mark, std::uint32_t{1} << from);
          leads_to_[static_cast<std::size_t>(std::countr_zero(source))] |= to;
          comes_from_[static_cast<std::size_t>(std::countr_zero(to))] |= source;
        };
        copy(Mark::kPacket, value.packet);
        copy(Mark::kConnection, value.connection);
      }
    }
  }
  for (const PolicyRule &rule : ruleset.policy_rules) {
    looked_at_ |= bits_of(Mark::kPacket, rule.mask);
  }
  each_bit(decides_ways, [&](std::size_t bit) { leads_to_[bit] |= written; });
}

BitsOfBoth BitTraffic::reached_from(BitsOfBoth bits) const { return closure(bits, leads_to_); }

RelevantBits BitTraffic::relevant(BitsOfBoth elsewhere) const {
  const BitsOfBoth bits = closure(looked_at_ | elsewhere, comes_from_);
  RelevantBits relevant;
  relevant.of_mark[static_cast<std::size_t>(Mark::kPacket)] = static_cast<std::uint32_t>(bits);
  relevant.of_mark[static_cast<std::size_t>(Mark::kConnection)] =
      static_cast<std::uint32_t>(bits >> 32);
  return relevant;
}

}  // namespace connmark
