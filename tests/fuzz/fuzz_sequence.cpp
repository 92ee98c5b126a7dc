// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any options one after the other, on any 16 bytes, by a caller that keeps the
// flags between two options or hands over fresh ones.
//
// The first line of the input holds up to 16 bytes of two hexadecimal digits, each
// other one an option of the table with its argument behind a blank.  A "0" before
// the dashes zeroes the flags, a "!" inverts.
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "fuzz/rule_properties.h"
#include "unit/option_sequence.h"

namespace connmark::test {
namespace {

WireBytes bytes_of(const std::string &line) {
  WireBytes bytes = {};
  std::istringstream words(line);
  std::string word;
  for (unsigned char &byte : bytes) {
    if (words >> word) byte = static_cast<unsigned char>(std::strtoul(word.c_str(), nullptr, 16));
  }
  return bytes;
}

std::optional<GivenOption> option_of(std::string_view line) {
  GivenOption given{};
  for (; !line.empty() && (line[0] == '0' || line[0] == '!'); line.remove_prefix(1)) {
    (line[0] == '0' ? given.forgets : given.inverted) = true;
  }
  if (!line.starts_with("--")) return std::nullopt;
  line.remove_prefix(2);
  const std::string_view name = line.substr(0, line.find(' '));
  line.remove_prefix(name.size());
  // An argument ends at its first NUL.
  if (!line.empty()) given.argument = std::string(line.substr(1)).c_str();
  for (const Option &each : kOptions) {
    if (std::string_view(each.name) != name) continue;
    given.id = each.id;
    return given;
  }
  return std::nullopt;
}

void expect_option_to_change_its_own(Revision revision, const GivenOption &given, KeptRule &rule) {
  const KeptRule before = rule;
  KeptRule expected = rule;
  const bool taken = read_the_long_way(revision, given, expected);
  if (given.forgets) rule.flags = 0;
  const std::string what = to_string(given) + " on " + to_string(before);
  expect(takes_option(revision, static_cast<int>(given.id), given.argument, given.inverted,
                      rule.flags, rule.bytes) == taken,
         "taken as parse_option takes it", what);
  expect(rule == expected, "the plugin does what parse_option does", what);
  expect(rule.bytes == (taken ? by_the_table(revision, given, before) : before.bytes),
         "an option changes what is its own", what);
}

}  // namespace
}  // namespace connmark::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace connmark::test;
  for (const connmark::Revision revision : kRevisions) {
    std::istringstream lines(std::string(reinterpret_cast<const char *>(data), size));
    std::string line;
    std::getline(lines, line);
    KeptRule rule{0, bytes_of(line)};
    while (std::getline(lines, line)) {
      const auto given = option_of(line);
      if (!given) continue;
      const auto role = option(given->id).role;
      if (revision == connmark::Revision::k1 && role == connmark::Role::kShift) continue;
      expect_option_to_change_its_own(revision, *given, rule);
    }
  }
  return 0;
}
