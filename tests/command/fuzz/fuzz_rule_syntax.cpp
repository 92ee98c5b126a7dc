// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words of a rule: each has one place, the rule in iptables-save's order is the
// same rule, and whatever is read of it is read of a saved text as well.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command/iptables/rule_syntax.h"
#include "command/iptables/rule_text.h"
#include "command/iptables/rule_words.h"
#include "command/iptables/saved_rules.h"
#include "command/refusal.h"

namespace connmark {
namespace {

void expect(bool holds, const char *what, std::string_view line) {
  if (holds) return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(line.size()), line.data());
  std::abort();
}

using Words = std::vector<std::string>;

Words all_words(const RuleSyntax &syntax) {
  OrderedWords ordered = words_in_order(syntax);
  ordered.matches.insert(ordered.matches.end(), ordered.target.begin(), ordered.target.end());
  return ordered.matches;
}

void read(const Words &words, RuleSyntax &syntax) {
  std::vector<Word> views;
  for (const std::string &word : words) views.push_back({word});
  read_rule_syntax(views, {}, syntax);
}

void expect_places(const RuleSyntax &syntax, std::size_t words, std::string_view line) {
  std::uint32_t behind = 0;
  for (const OptionWords &option : syntax.options) {
    expect(option.first <= option.end && option.end <= words, "an option has words", line);
    // Letters may share a word.
    expect(option.first + 1 >= behind, "options do not overlap", line);
    behind = option.end;
    expect(option.part == kNoPart || option.part < syntax.parts.size(), "a part exists", line);
  }
  expect(syntax.target == kNoPart || syntax.target < syntax.parts.size(), "a target exists", line);
  expect(syntax.is_whole() || !fault_text(syntax).empty(), "a fault is told", line);
}

void expect_same_in_order(const RuleSyntax &syntax, std::string_view line) {
  const Words ordered = all_words(syntax);
  RuleSyntax again;
  read(ordered, again);
  expect(again.is_whole(), "the rule in order is whole", line);
  expect(all_words(again) == ordered, "the order stays as it is", line);
  expect(again.target_part() == nullptr ? syntax.target_part() == nullptr
                                        : again.target_part()->name == syntax.target_part()->name,
         "the target stays", line);
}

void expect_legible_refusal(const std::string &text, std::string_view line) {
  std::istringstream in(text);
  try {
    read_saved_rules(in, "file");
  } catch (const Refusal &refused) {
    expect(std::string_view(refused.what()).starts_with("file: "), "a refusal names the file",
           line);
  }
}

}  // namespace
}  // namespace connmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace connmark;
  const std::string_view line(reinterpret_cast<const char *>(data), size);
  std::vector<Word> words;
  std::string unquoted;
  if (!split_words(line, words, unquoted)) return 0;
  RuleSyntax syntax;
  read_rule_syntax(words, {}, syntax);
  expect_places(syntax, words.size(), line);
  if (syntax.is_whole()) expect_same_in_order(syntax, line);

  Words copies;
  for (const Word &word : words) copies.emplace_back(word.text);
  try {
    const RuleText text = read_rule(copies);
    expect(!text.target.empty(), "a rule that is read has a target", line);
  } catch (const Refusal &refused) {
    expect(*refused.what() != 0, "a refusal has words", line);
  }
  expect_legible_refusal("*mangle\n:A - [0:0]\n" + std::string(line) + "\nCOMMIT\n", line);
  return 0;
}
