// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/nft_statement.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "support/command.h"

namespace connmark::test {

class NftParser {
 public:
  explicit NftParser(std::string_view text) : words_(words(text)) {}

  std::optional<NftStatement> parse() {
    NftStatement statement;
    bool connection = take("ct");
    if (connection && take("state")) {
      if (!take("established,related,new")) return std::nullopt;
      statement.asks_for_connection_ = true;
      connection = take("ct");
    }
    if (connection) {
      statement.sets_ct_mark_ = true;
    } else if (!take("meta")) {
      return std::nullopt;
    }
    if (!take("mark") || !take("set") || !parse_binary(kLoosest) || next_ != words_.size()) {
      return std::nullopt;
    }
    statement.asks_for_connection_ |=
        std::ranges::any_of(steps_, [](const auto &step) { return step.code == Code::kCtMark; });
    statement.steps_ = std::move(steps_);
    return statement;
  }

 private:
  using Code = NftStatement::Code;

  struct Operator {
    std::string_view sign;
    std::string_view name;
    int level;
    Code code;
  };

  static constexpr int kLoosest = 0;
  static constexpr int kShiftLevel = 3;
  static constexpr int kOperand = 4;
  static constexpr Operator kOperators[] = {
      {"|", "or", kLoosest, Code::kOr},
      {"^", "xor", 1, Code::kXor},
      {"&", "and", 2, Code::kAnd},
      {"<<", "lshift", kShiftLevel, Code::kLeftShift},
      {">>", "rshift", kShiftLevel, Code::kRightShift},
  };

  bool take(std::string_view word) {
    if (next_ == words_.size() || words_[next_] != word) return false;
    ++next_;
    return true;
  }

  const Operator *take_operator(int level) {
    for (const Operator &each : kOperators) {
      if (each.level == level && (take(each.sign) || take(each.name))) return &each;
    }
    return nullptr;
  }

  bool parse_binary(int level) {
    if (level == kOperand) return parse_operand();
    const std::size_t left = steps_.size();
    if (!parse_binary(level + 1)) return false;
    while (const Operator *const found = take_operator(level)) {
      const std::size_t right = steps_.size();
      if (!parse_binary(level + 1)) return false;
      if (level == kShiftLevel && !can_shift(left, right)) return false;
      steps_.push_back({found->code});
    }
    return true;
  }

  bool can_shift(std::size_t left, std::size_t right) const {
    const NftStatement::Step &bits = steps_[right];
    const bool shifts_a_mark =
        std::any_of(steps_.begin() + static_cast<std::ptrdiff_t>(left),
                    steps_.begin() + static_cast<std::ptrdiff_t>(right), [](const auto &step) {
                      return step.code == Code::kCtMark || step.code == Code::kMetaMark;
                    });
    return shifts_a_mark && steps_.size() == right + 1 && bits.code == Code::kNumber &&
           bits.number >= 1 && bits.number <= 31;
  }

  bool parse_operand() {
    if (take("(")) return parse_binary(kLoosest) && take(")");
    if (take("mark")) {
      steps_.push_back({Code::kMetaMark});
      return true;
    }
    if (take("ct")) {
      steps_.push_back({Code::kCtMark});
      return take("mark");
    }
    if (take("meta")) {
      steps_.push_back({Code::kMetaMark});
      return take("mark");
    }
    return parse_number();
  }

  bool parse_number() {
    if (next_ == words_.size()) return false;
    std::string_view digits = words_[next_++];
    const int base = digits.starts_with("0x") ? 16 : 10;
    if (base == 16) digits.remove_prefix(2);
    std::uint32_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    steps_.push_back({Code::kNumber, number});
    return error == std::errc{} && end == digits.data() + digits.size();
  }

  std::vector<std::string> words_;
  std::size_t next_ = 0;
  std::vector<NftStatement::Step> steps_;
};

std::optional<NftStatement> NftStatement::parse(std::string_view text) {
  return NftParser(text).parse();
}

MarkPair NftStatement::marks_after(MarkPair marks) const {
  std::vector<std::uint32_t> stack;
  for (const Step &step : steps_) {
    switch (step.code) {
      case Code::kNumber:
        stack.push_back(step.number);
        continue;
      case Code::kCtMark:
        stack.push_back(marks.ct);
        continue;
      case Code::kMetaMark:
        stack.push_back(marks.nf);
        continue;
      default:
        break;
    }
    const std::uint32_t right = stack.back();
    stack.pop_back();
    std::uint32_t &left = stack.back();
    switch (step.code) {
      case Code::kAnd:
        left &= right;
        break;
      case Code::kXor:
        left ^= right;
        break;
      case Code::kOr:
        left |= right;
        break;
      case Code::kLeftShift:
        left <<= right;
        break;
      default:
        left >>= right;
        break;
    }
  }
  (sets_ct_mark_ ? marks.ct : marks.nf) = stack.back();
  return marks;
}

std::uint32_t NftStatement::packet_mark_without_connection(std::uint32_t mark) const {
  if (sets_ct_mark_ || asks_for_connection_) return mark;
  return marks_after({.ct = 0, .nf = mark}).nf;
}

bool NftStatement::does_the_same_as(const KernelRule &rule) const {
  return std::ranges::all_of(telling_marks(), [&](MarkPair marks) {
    return marks_after(marks) == test::marks_after(rule, marks) &&
           packet_mark_without_connection(marks.nf) == marks.nf;
  });
}

}  // namespace connmark::test
