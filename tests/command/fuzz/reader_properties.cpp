// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/fuzz/reader_properties.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string_view>

#include "command/refusal.h"

namespace connmark::test {
namespace {

constexpr std::string_view kName = "file";
constexpr std::size_t kLongestRefusal = 1000;

void expect(bool holds, std::string_view what, std::string_view detail) {
  if (holds) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

// Everything in a ruleset, as numbers from `first` on.
struct Beginning {
  std::size_t inputs = 0;
  std::size_t chains = 0;
  std::size_t rules = 0;
  std::size_t policy_rules = 0;
};

Beginning end_of(const Ruleset &ruleset) {
  return {ruleset.inputs.size(), ruleset.chains.size(), ruleset.rules.size(),
          ruleset.policy_rules.size()};
}

std::string text_of(const MarkExpression &value) {
  std::string text;
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = value.bit(i);
    text += " " + std::to_string(bit.connection) + "," + std::to_string(bit.packet) +
            (bit.inverted ? "!" : "") + (bit.unknown ? "?" : "");
  }
  return text;
}

std::string text_of(const Ruleset &ruleset, const Beginning &from) {
  std::ostringstream out;
  for (std::size_t i = from.chains; i < ruleset.chains.size(); ++i) {
    const Chain &chain = ruleset.chains[i];
    out << "chain " << chain.input - from.inputs << ' ' << static_cast<int>(chain.family) << ' '
        << chain.table << ' ' << chain.name << ' '
        << (chain.hook ? static_cast<int>(*chain.hook) : -1) << ' ' << chain.priority << ' '
        << chain.reroutes << '\n';
  }
  for (std::size_t i = from.rules; i < ruleset.rules.size(); ++i) {
    const Rule &rule = ruleset.rules[i];
    out << "rule " << rule.chain - from.chains << ' ' << rule.line << ' ' << rule.number << ' '
        << rule.text << ' ' << rule.comment << ' '
        << (rule.outcome.chain == kNoChain ? kNoChain : rule.outcome.chain - from.chains) << ' '
        << rule.is_goto() << rule.has_other_matches() << rule.ends_chain() << rule.untracks
        << static_cast<int>(rule.outcome.verdict) << rule.mark_rule.has_value() << '\n';
    for (const MarkTest &test : rule.tests) {
      out << "test " << name(test.mark) << ' ' << test.value << ' ' << test.mask << ' '
          << test.inverted << test.value_known << test.decides << '\n';
    }
    for (const MarkWrite &write : rule.writes) {
      out << "write " << name(write.mark) << text_of(write.value) << '\n';
    }
    for (const Match &match : rule.matches) {
      out << "match " << static_cast<int>(match.attribute) << ' ' << match.inverted
          << match.is_stable << ' ' << match.from << ' ' << match.to << ' ' << match.text << '\n';
    }
    for (const std::string &words : rule.unknown) out << "unknown " << words << '\n';
  }
  for (std::size_t i = from.policy_rules; i < ruleset.policy_rules.size(); ++i) {
    const PolicyRule &rule = ruleset.policy_rules[i];
    out << "policy " << rule.input - from.inputs << ' ' << static_cast<int>(rule.family) << ' '
        << rule.priority << ' ' << rule.value << ' ' << rule.mask << ' ' << rule.inverted << ' '
        << rule.text << ' ' << static_cast<int>(rule.action) << ' ' << rule.table_name << ' '
        << rule.table.value_or(0) << ' ' << rule.target.value_or(0) << ' '
        << rule.suppress_prefixlength.value_or(0) << '\n';
    for (const Match &match : rule.matches) {
      out << "match " << static_cast<int>(match.attribute) << ' ' << match.from << ' ' << match.to
          << ' ' << match.text << '\n';
    }
  }
  out << ruleset.has_policy_rules;
  return out.str();
}

void expect_sound(const Ruleset &ruleset, const Beginning &from) {
  for (std::size_t i = from.chains; i < ruleset.chains.size(); ++i) {
    expect(ruleset.chains[i].input == from.inputs, "a chain is of the file",
           ruleset.chains[i].name);
  }
  for (std::size_t i = from.rules; i < ruleset.rules.size(); ++i) {
    const Rule &rule = ruleset.rules[i];
    expect(rule.chain >= from.chains && rule.chain < ruleset.chains.size(),
           "a rule is in a chain of the file", rule.text);
    expect(rule.outcome.chain == kNoChain ||
               (rule.outcome.chain >= from.chains && rule.outcome.chain < ruleset.chains.size()),
           "a rule jumps to a chain of the file", rule.text);
    const bool has_marks = !rule.tests.empty() || !rule.writes.empty() || !rule.unknown.empty();
    expect(has_marks || rule.outcome != Branch{} || rule.branches != nullptr || rule.untracks,
           "a rule has to do with marks, or with the way of packets", rule.text);
    if (rule.branches != nullptr) {
      for (const Branch &branch : *rule.branches) {
        expect(branch.chain == kNoChain ||
                   (branch.chain >= from.chains && branch.chain < ruleset.chains.size()),
               "a map leads to chains of the file", rule.text);
      }
    }
    for (const MarkWrite &write : rule.writes) {
      expect(write.matches_before <= rule.matches.size() && write.tests_before <= rule.tests.size(),
             "a write comes behind some of the rule's matches", rule.text);
    }
    expect(has_marks != rule.text.empty(), "a rule with marks has a text", rule.text);
  }
}

void expect_legible(std::string_view refusal) {
  expect(refusal.starts_with(kName), "a refusal names the file", refusal);
  expect(refusal.size() <= kLongestRefusal, "a refusal is short", refusal);
  expect(std::ranges::all_of(refusal, [](char c) { return c >= 0x20 && c < 0x7f; }),
         "a terminal shows a refusal", refusal);
}

// The words of the refusal.
std::optional<std::string> refusal(Reader read, std::string_view data, Ruleset &ruleset) {
  std::istringstream in{std::string(data)};
  try {
    read(in, std::string(kName), ruleset);
  } catch (const Refusal &refused) {
    return refused.what();
  }
  return std::nullopt;
}

}  // namespace

void expect_properties(Reader read, const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  Ruleset first;
  const Beginning none;
  const auto refused = refusal(read, text, first);
  if (refused) {
    expect_legible(*refused);
    expect(text_of(first, none) == text_of(Ruleset{}, none), "nothing is left of what is refused",
           *refused);
    return;
  }
  expect_sound(first, none);
  const std::string once = text_of(first, none);
  const Beginning second = end_of(first);
  expect(second.inputs == 1, "a file is one input", "");
  expect(!refusal(read, text, first), "a text that was accepted is accepted again", "");
  expect_sound(first, second);
  expect(text_of(first, second) == once, "a text reads the same each time", once);
}

}  // namespace connmark::test
