// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/saved_numbers.h"

#include <charconv>

namespace connmark {
namespace {

std::optional<std::uint32_t> saved_mark(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint8_t> saved_shift(std::string_view text) {
  std::uint8_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool is_octal = text.starts_with('0') && text != "0";
  if (error != std::errc{} || end != text.data() + text.size() || is_octal) return std::nullopt;
  return bits <= kMaxShiftBits ? std::optional(bits) : std::nullopt;
}

// One option behind the operation; false for another spelling.
bool take_saved(const OptionWords &option, bool is_set, Operation &op) {
  const bool is_left = option.name == "left-shift-mark";
  if (is_left || option.name == "right-shift-mark") {
    const auto bits = saved_shift(option.value);
    if (!bits || op.shift.bits != 0) return false;
    op.shift = {is_left ? Direction::kLeft : Direction::kRight, *bits};
    return *bits != 0;
  }
  const auto mask = saved_mark(option.value);
  if (!mask || is_set) return false;
  if (option.name == "nfmask") {
    op.nfmask = *mask;
    return true;
  }
  op.ctmask = *mask;
  return option.name == "ctmask";
}

}  // namespace

std::optional<MarkAndMask> saved_mark_and_mask(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto value = saved_mark(text.substr(0, slash));
  const auto mask = slash == text.npos ? kAllBits : saved_mark(text.substr(slash + 1));
  if (!value || !mask) return std::nullopt;
  return MarkAndMask{*value, *mask};
}

std::optional<Operation> saved_operation(Target target, const RuleSyntax &syntax) {
  Operation op;
  bool has_operation = false;
  bool is_set = false;
  for (const OptionWords &option : syntax.options) {
    if (option.part != syntax.target || option.own != OwnOption::kNone) continue;
    if (option.inverted) return std::nullopt;
    if (has_operation) {
      if (target == Target::kMark || !take_saved(option, is_set, op)) return std::nullopt;
      continue;
    }
    has_operation = true;
    is_set = option.name == "set-xmark";
    if (is_set) {
      const auto mark = saved_mark_and_mask(option.value);
      if (!mark) return std::nullopt;
      op = set_xmark(mark->value, mark->mask);
    } else if (target == Target::kConnmark && option.name == "save-mark") {
      op.mode = Mode::kSave;
    } else if (target == Target::kConnmark && option.name == "restore-mark") {
      op.mode = Mode::kRestore;
    } else {
      return std::nullopt;
    }
  }
  if (!has_operation) return std::nullopt;
  return canonical(op);
}

}  // namespace connmark
