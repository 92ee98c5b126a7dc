// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/rule_marks.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace connmark {
namespace {

constexpr Mark kMarks[] = {Mark::kConnection, Mark::kPacket};

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

void RuleMarks::test_with_many(const MarkExpression &value) {
  for (const Mark mark : kMarks) {
    const std::uint32_t bits = bits_from(mark, value);
    if (bits != 0) add({.mark = mark, .mask = bits, .value_known = false});
  }
}

void RuleMarks::say(std::string words) {
  if (std::ranges::find(rule_.unknown, words) == rule_.unknown.end()) {
    rule_.unknown.push_back(std::move(words));
  }
}

void RuleMarks::add(const MarkTest &test) {
  // A range is two comparisons.
  const auto same = [&test](const MarkTest &each) {
    return !test.value_known && !each.value_known && each.mark == test.mark &&
           each.mask == test.mask;
  };
  if (std::ranges::none_of(rule_.tests, same)) rule_.tests.push_back(test);
}

}  // namespace connmark
