// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft_statement.h"

#include <charconv>
#include <functional>
#include <stdexcept>
#include <string>

namespace connmark::test {
namespace {

// A part of the right side: its value for each pair of marks.
struct Value {
  std::vector<std::uint32_t> column;
  bool constant = false;
};

class Reader {
 public:
  Reader(std::string_view statement, const std::vector<Marks> &before, bool tracked)
      : rest_(statement), before_(before), ended_(false), tracked_(tracked) {}

  std::vector<Marks> run() {
    bool connection = take("ct");
    if (connection && take("state")) {
      require("established,related,new");
      ended_ = !tracked_;
      connection = take("ct");
    }
    if (!connection) require("meta");
    require("mark");
    require("set");
    const Value value = inclusive_or();
    if (!rest_.empty()) fail("nothing more");

    std::vector<Marks> after = before_;
    if (ended_ || (connection && !tracked_)) return after;
    for (std::size_t i = 0; i < after.size(); ++i) {
      (connection ? after[i].ct : after[i].nf) = value.column[i];
    }
    return after;
  }

 private:
  Value inclusive_or() {
    Value value = exclusive_or();
    while (take("or")) combine(value, exclusive_or(), std::bit_or{});
    return value;
  }

  Value exclusive_or() {
    Value value = conjunction();
    while (take("xor")) combine(value, conjunction(), std::bit_xor{});
    return value;
  }

  Value conjunction() {
    Value value = shift();
    while (take("and")) combine(value, shift(), std::bit_and{});
    return value;
  }

  Value shift() {
    Value value = primary();
    for (;;) {
      const bool left = take("<<");
      if (!left && !take(">>")) return value;
      if (value.constant) fail("a mark before the shift");
      const std::uint32_t bits = number();
      if (bits == 0 || bits > 31) fail("a shift by 1 to 31 before here");
      for (std::uint32_t &each : value.column) each = left ? each << bits : each >> bits;
    }
  }

  Value primary() {
    Value value;
    if (take("ct")) {
      require("mark");
      ended_ = ended_ || !tracked_;
      for (const Marks &each : before_) value.column.push_back(each.ct);
    } else if (take("mark") || (take("meta") && (require("mark"), true))) {
      for (const Marks &each : before_) value.column.push_back(each.nf);
    } else {
      value.constant = true;
      value.column.assign(before_.size(), number());
    }
    return value;
  }

  template <typename BitOperation>
  static void combine(Value &left, const Value &right, BitOperation operation) {
    for (std::size_t i = 0; i < left.column.size(); ++i) {
      left.column[i] = operation(left.column[i], right.column[i]);
    }
    left.constant = left.constant && right.constant;
  }

  std::uint32_t number() {
    std::string_view word = next();
    const bool hex = word.starts_with("0x");
    if (hex) word.remove_prefix(2);
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), value, hex ? 16 : 10);
    if (word.empty() || error != std::errc{} || end != word.data() + word.size()) {
      fail("a number or mark");
    }
    skip();
    return value;
  }

  // The word at the front; one blank stands between two words.
  std::string_view next() const { return rest_.substr(0, rest_.find(' ')); }

  void skip() {
    const std::size_t blank = rest_.find(' ');
    rest_ = blank == std::string_view::npos ? "" : rest_.substr(blank + 1);
    if (blank != std::string_view::npos && rest_.empty()) fail("a word behind the blank");
  }

  bool take(std::string_view word) {
    if (next() != word) return false;
    skip();
    return true;
  }

  void require(std::string_view word) {
    if (!take(word)) fail(word);
  }

  [[noreturn]] void fail(std::string_view expected) const {
    throw std::invalid_argument("expected " + std::string(expected) + " at '" + std::string(rest_) +
                                "'");
  }

  std::string_view rest_;
  const std::vector<Marks> &before_;
  bool ended_;  // the rule, before the statement
  bool tracked_;
};

}  // namespace

std::vector<Marks> run_nft(std::string_view statement, const std::vector<Marks> &before,
                           bool tracked) {
  return Reader(statement, before, tracked).run();
}

}  // namespace connmark::test
