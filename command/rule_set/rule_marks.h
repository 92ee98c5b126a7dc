// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "command/marks/mark_expression.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// Bits of the two marks before the rule, indexed by Mark.
using MarkBits = std::array<std::uint32_t, 2>;

constexpr MarkBits operator|(const MarkBits &left, const MarkBits &right) {
  return {left[0] | right[0], left[1] | right[1]};
}

// The bits that `value` is made of.
MarkBits bits_of(const MarkExpression &value);

// The two marks while the parts of one rule are gone through in their order: a
// part sees what the parts before it have written, but the model speaks of the
// marks before the rule.  A write counts as behind the matches and tests that the
// rule has when it is added.
class RuleMarks {
 public:
  // Tests, writes and words are added to `rule`.
  explicit RuleMarks(Rule &rule) : rule_(rule) {}

  const MarkExpression &now(Mark mark) const {
    return mark == Mark::kConnection ? connection_ : packet_;
  }

  // `value` in terms of the marks before the rule.
  void write(Mark mark, const MarkExpression &value);
  // `value` in terms of the marks as they are now.
  void write_from_now(Mark mark, const MarkExpression &value);
  // The mark becomes something that `words` describe and no expression can say.
  void write_unknown(Mark mark, std::string words);

  // A part lets packets pass whose (mark & mask) is, or is not, `value`.
  void test(Mark mark, std::uint32_t value, std::uint32_t mask, bool inverted);
  // The same of an expression in terms of the marks before the rule.
  void test(const MarkExpression &value, std::uint32_t compared, bool inverted);
  // It compares the marks that `value` is made of with more than one number;
  // `lost` went into it, too, and are no longer seen in it.
  void test_with_many(const MarkExpression &value, const MarkBits &lost = {});
  // These bits are used, and every packet passes.
  void look_at(const MarkBits &bits);
  // nft's rule goes on for packets with a connection only.
  void need_connection();

  // Says once what touches a mark and cannot be folded.
  void say(std::string words);

 private:
  void add(const MarkTest &test);
  void add_unknown(const MarkBits &bits, bool decides);

  Rule &rule_;
  MarkExpression connection_ = MarkExpression::of(Mark::kConnection);
  MarkExpression packet_ = MarkExpression::of(Mark::kPacket);
  bool written_ = false;
  bool has_connection_ = false;  // the rule goes no further without one
};

}  // namespace connmark
