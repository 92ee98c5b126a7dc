// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/refused_input.h"

#include <cstdio>
#include <iostream>
#include <vector>

#include "command/output/terminal.h"
#include "command/refusal.h"

namespace connmark {
namespace {

constexpr std::size_t kLongestQuote = 60;

template <typename Each>
void shorten(std::vector<Each> &list, std::size_t size) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(size), list.end());
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text.substr(0, kLongestQuote)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 0xf];
    }
  }
  return result + (text.size() > kLongestQuote ? "...\"" : "\"");
}

void refuse_line(const std::string &name, std::uint64_t line, const std::string &what) {
  throw Refusal(name + ": line " + std::to_string(line) + ": " + what);
}

std::istream &standard_input(const std::string &option) {
  if (!standard_input_can_be_read()) throw Refusal(option + ": standard input is closed");
  // The stream itself does not tell an error from the end.
  std::cin.peek();
  if (std::ferror(stdin) != 0) throw Refusal(option + ": standard input cannot be read");
  if (std::cin.eof()) std::cin.clear();
  return std::cin;
}

RulesetAddition::RulesetAddition(Ruleset &ruleset)
    : ruleset_(ruleset),
      inputs_(ruleset.inputs.size()),
      chains_(ruleset.chains.size()),
      rules_(ruleset.rules.size()),
      policy_rules_(ruleset.policy_rules.size()),
      reverse_path_filters_(ruleset.reverse_path_filters.size()),
      not_looked_at_(ruleset.not_looked_at.size()),
      has_policy_rules_(ruleset.has_policy_rules) {}

RulesetAddition::~RulesetAddition() {
  if (kept_) return;
  shorten(ruleset_.inputs, inputs_);
  shorten(ruleset_.chains, chains_);
  shorten(ruleset_.rules, rules_);
  shorten(ruleset_.policy_rules, policy_rules_);
  shorten(ruleset_.reverse_path_filters, reverse_path_filters_);
  shorten(ruleset_.not_looked_at, not_looked_at_);
  ruleset_.has_policy_rules = has_policy_rules_;
}

}  // namespace connmark
