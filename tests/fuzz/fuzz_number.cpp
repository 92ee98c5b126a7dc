// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any text as the argument of an option that takes a number, a number with a
// mask, or a shift.  The judge is xtables_strtoui, which reads the numbers of all
// other targets.
#include <xtables.h>

#include <cstdint>

#include "fuzz/rule_properties.h"

namespace connmark::test {
namespace {

// Reads a number at the start of `text`.  Returns what follows it, or nothing
// where there is none up to `max`.
std::optional<std::string> rest_behind_number(const std::string &text, std::uint32_t max,
                                              std::uint32_t &value) {
  char *end = nullptr;
  unsigned int number = 0;
  if (!xtables_strtoui(text.c_str(), &end, &number, 0, max)) return std::nullopt;
  value = number;
  return std::string(end);
}

std::optional<Operation> expected_or_mark(const std::string &text) {
  std::uint32_t value = 0;
  if (rest_behind_number(text, kAllBits, value) != "") return std::nullopt;
  return or_mark(value);
}

std::optional<Operation> expected_set_xmark(const std::string &text) {
  std::uint32_t value = 0;
  std::uint32_t mask = kAllBits;
  const std::optional<std::string> rest = rest_behind_number(text, kAllBits, value);
  if (!rest) return std::nullopt;
  const bool has_mask = rest->starts_with('/');
  if (has_mask && rest_behind_number(rest->substr(1), kAllBits, mask) != "") return std::nullopt;
  if (!has_mask && *rest != "") return std::nullopt;
  return set_xmark(value, mask);
}

std::optional<Operation> expected_left_shift(const std::string &text) {
  std::uint32_t bits = 0;
  if (rest_behind_number(text, kMaxShiftBits, bits) != "") return std::nullopt;
  return with_shift(save_mark(), Direction::kLeft, static_cast<std::uint8_t>(bits));
}

void expect_reading(std::vector<std::string> words, const std::optional<Operation> &expected) {
  const std::string argument = words.back();
  const ParsedRule rule = parsed(Revision::k2, std::move(words));
  expect(rule.accepted == expected.has_value(), "accepted as libxtables accepts it", argument);
  if (!rule.accepted) return;
  expect(decoded(Revision::k2, rule.bytes) == *expected, "read as libxtables reads it", argument);
}

}  // namespace
}  // namespace connmark::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace connmark::test;
  // An argument ends at its first NUL.
  const std::string text = std::string(reinterpret_cast<const char *>(data), size).c_str();
  expect_reading({"--or-mark", text}, expected_or_mark(text));
  expect_reading({"--set-xmark", text}, expected_set_xmark(text));
  expect_reading({"--save-mark", "--left-shift-mark", text}, expected_left_shift(text));
  return 0;
}
