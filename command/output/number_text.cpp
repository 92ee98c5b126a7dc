// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/output/number_text.h"

#include <xtables.h>

#include <cstdio>
#include <optional>

#include "command/refusal.h"
#include "connmark/operation.h"

namespace connmark {
namespace {

std::optional<std::uint32_t> whole_number(const std::string &text) {
  char *end = nullptr;
  unsigned int number = 0;
  if (!xtables_strtoui(text.c_str(), &end, &number, 0, kAllBits)) return std::nullopt;
  if (end != text.c_str() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string bit_ranges(std::uint32_t mask) {
  std::string ranges;
  int count = 0;
  for (int first = 0; first < 32; ++first) {
    if ((mask >> first & 1) == 0) continue;
    int last = first;
    while (last < 31 && (mask >> (last + 1) & 1) != 0) ++last;
    if (!ranges.empty()) ranges += ", ";
    ranges += std::to_string(first);
    if (last > first) ranges.append("-").append(std::to_string(last));
    count += last - first + 1;
    first = last;
  }
  if (count == 0) return "no bit";
  return (count == 1 ? "bit " : "bits ") + ranges;
}

std::uint32_t read_mark(const std::string &option, const std::string &text) {
  if (const auto number = whole_number(text)) return *number;
  throw Refusal(option + ": \"" + text + "\" is not a mark, give 0 to " + hex(kAllBits));
}

std::uint32_t read_count(const std::string &option, const std::string &text) {
  if (const auto number = whole_number(text)) return *number;
  throw Refusal(option + ": \"" + text + "\" is not a count, give 0 to " +
                std::to_string(kAllBits));
}

MarkAndMask read_mark_and_mask(const std::string &option, const std::string &text) {
  const std::size_t slash = text.find('/');
  const auto value = whole_number(text.substr(0, slash));
  const auto mask = slash == text.npos ? kAllBits : whole_number(text.substr(slash + 1));
  if (value && mask) return {*value, *mask};
  throw Refusal(option + ": \"" + text + "\" is not a mark, give VALUE or VALUE/MASK, each 0 to " +
                hex(kAllBits));
}

}  // namespace connmark
