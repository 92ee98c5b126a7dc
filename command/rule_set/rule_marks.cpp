// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/rule_marks.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace connmark {
namespace {

constexpr Mark kMarks[] = {Mark::kConnection, Mark::kPacket};

// How far back it is looked for what would be said twice: neighbours repeat one
// another, and the work stays linear.
constexpr std::size_t kLookBack = 16;

template <typename Value>
std::span<const Value> last_of(const std::vector<Value> &all) {
  return {all.end() - static_cast<std::ptrdiff_t>(std::min(all.size(), kLookBack)), all.end()};
}

constexpr std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

std::int8_t source(Mark mark, const BitValue &value) {
  return mark == Mark::kConnection ? value.connection : value.packet;
}

std::uint32_t bits_from(Mark mark, const MarkExpression &value) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    const std::int8_t from = source(mark, value.bit(i));
    if (from >= 0) bits |= one(from);
  }
  return bits;
}

// Each bit of `value` that comes from `mark`, taken from `now` instead.
MarkExpression replaced(Mark mark, const MarkExpression &value, const MarkExpression &now) {
  MarkExpression result;
  for (int i = 0; i < 32; ++i) {
    const std::int8_t from = source(mark, value.bit(i));
    if (from >= 0) result.bit(i) = now.bit(from);
  }
  return result;
}

MarkExpression constants_of(const MarkExpression &value) {
  MarkExpression result;
  for (int i = 0; i < 32; ++i) {
    result.bit(i).inverted = value.bit(i).inverted;
    result.bit(i).unknown = value.bit(i).unknown;
  }
  return result;
}

}  // namespace

MarkBits bits_of(const MarkExpression &value) {
  return {bits_from(Mark::kConnection, value), bits_from(Mark::kPacket, value)};
}

void RuleMarks::write(Mark mark, const MarkExpression &value) {
  rule_.writes.push_back({mark, value, static_cast<std::uint32_t>(rule_.matches.size()),
                          static_cast<std::uint32_t>(rule_.tests.size())});
  (mark == Mark::kConnection ? connection_ : packet_) = value;
  written_ = true;
}

void RuleMarks::write_from_now(Mark mark, const MarkExpression &value) {
  if (!written_) return write(mark, value);
  write(mark, replaced(Mark::kConnection, value, connection_) ^
                  replaced(Mark::kPacket, value, packet_) ^ constants_of(value));
}

void RuleMarks::write_unknown(Mark mark, std::string words) {
  write(mark, MarkExpression::unknown());
  say(std::move(words));
}

void RuleMarks::test(Mark mark, std::uint32_t value, std::uint32_t mask, bool inverted) {
  if (!written_) return add({mark, value, mask, inverted, true});
  test(now(mark) & MarkExpression::constant(mask), value, inverted);
}

void RuleMarks::test(const MarkExpression &value, std::uint32_t compared, bool inverted) {
  const std::uint32_t connection = bits_from(Mark::kConnection, value);
  const std::uint32_t packet = bits_from(Mark::kPacket, value);
  if (value.unknown_bits() != 0 || (connection != 0 && packet != 0)) return test_with_many(value);
  if (connection == 0 && packet == 0) {
    rule_.matches.push_back({});
    return;
  }
  MarkTest test{.mark = connection != 0 ? Mark::kConnection : Mark::kPacket,
                .mask = connection | packet,
                .inverted = inverted};
  std::uint32_t settled = 0;
  bool contradicts = false;
  std::uint32_t outside = 0;  // bits that the mark does not decide, and that differ
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = value.bit(i);
    const bool wanted = ((compared & one(i)) != 0) != bit.inverted;
    const std::int8_t from = source(test.mark, bit);
    if (from < 0) {
      if (wanted) outside |= one(i);
      continue;
    }
    if ((settled & one(from)) != 0 && ((test.value & one(from)) != 0) != wanted) {
      contradicts = true;
    }
    settled |= one(from);
    if (wanted) test.value |= one(from);
  }
  if (outside != 0 || contradicts) {
    // Never equal: a value outside its mask says so.
    const std::uint32_t free = ~test.mask;
    if (free == 0) return test_with_many(value);
    test.value |= (outside & free) != 0 ? outside & free : one(std::countr_zero(free));
  }
  add(test);
}

void RuleMarks::test_with_many(const MarkExpression &value, const MarkBits &lost) {
  add_unknown(bits_of(value) | lost, true);
}

void RuleMarks::look_at(const MarkBits &bits) { add_unknown(bits, false); }

void RuleMarks::need_connection() {
  if (has_connection_) return;
  has_connection_ = true;
  rule_.matches.push_back({.attribute = Attribute::kHasConnection, .is_stable = true, .text = {}});
}

void RuleMarks::say(std::string words) {
  const auto last = last_of(rule_.unknown);
  if (std::ranges::find(last, words) == last.end()) rule_.unknown.push_back(std::move(words));
}

void RuleMarks::add_unknown(const MarkBits &bits, bool decides) {
  for (const Mark mark : kMarks) {
    const std::uint32_t mask = bits[static_cast<std::size_t>(mark)];
    if (mask == 0) continue;
    const MarkTest test{.mark = mark, .mask = mask, .value_known = false, .decides = decides};
    // A range is two comparisons, and what is looked at may have been compared.
    const auto same = [&test](const MarkTest &each) {
      return !each.value_known && each.mark == test.mark && each.mask == test.mask &&
             (each.decides || !test.decides);
    };
    if (std::ranges::none_of(last_of(rule_.tests), same)) add(test);
  }
}

void RuleMarks::add(const MarkTest &test) {
  rule_.tests.push_back(test);
  if (test.mark == Mark::kConnection && test.decides) has_connection_ = true;
}

}  // namespace connmark
