// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any command line behind "-j CONNMARK", one word in each line of the input, to
// the parsers of both revisions.  A refusal is one legible line; an accepted
// rule has all the properties of a rule, and nothing in it lacks effect.
#include <cstdint>

#include "fuzz/rule_properties.h"

namespace connmark::test {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const std::size_t size = text.find('\n');
    result.emplace_back(text.substr(0, size));
    text.remove_prefix(size == std::string_view::npos ? text.size() : size + 1);
  }
  return result;
}

void expect_accepted_rule_to_be_sound(Revision revision, const ParsedRule &rule) {
  const Operation op = decoded(revision, rule.bytes);
  expect(is_known(op.mode), "an accepted rule has a known mode", "");
  expect(op.shift.bits <= kMaxShiftBits, "an accepted rule has a shift that kernels take", "");
  expect(canonical(op) == op, "an accepted rule is canonical", "");
  WireBytes zeroed = {};
  encode_into(revision, op, zeroed);
  expect(zeroed == rule.bytes, "an accepted rule has zeroed padding", "");
  expect_properties(revision, rule.bytes);
}

void expect_warnings_to_be_legible(std::string_view warnings) {
  while (!warnings.empty()) {
    const std::size_t size = warnings.find('\n');
    expect(size != std::string_view::npos, "a warning ends its line", warnings);
    expect_legible(warnings.substr(0, size));
    warnings.remove_prefix(size + 1);
  }
}

}  // namespace
}  // namespace connmark::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace connmark::test;
  const std::vector<std::string> words = lines_of({reinterpret_cast<const char *>(data), size});
  for (const connmark::Revision revision : kRevisions) {
    const ParsedRule rule = parsed(revision, words);
    expect_warnings_to_be_legible(rule.warnings);
    if (rule.accepted) {
      expect_accepted_rule_to_be_sound(revision, rule);
    } else {
      expect_legible(rule.error);
    }
  }
  return 0;
}
