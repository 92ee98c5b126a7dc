// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rule sets of a few lines, for tests that say what happens in them.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "command/rule_set/ruleset.h"
#include "flow/random_ruleset.h"

namespace connmark::test {

class SmallRuleset {
 public:
  SmallRuleset() {
    set.ruleset.inputs = {{.name = "rules.v4", .is_nft = false},
                          {.name = "rules.nft", .is_nft = true}};
  }

  ChainIndex base(Hook hook, int priority, bool is_nft = false) {
    Chain chain;
    chain.input = is_nft ? 1 : 0;
    chain.hook = hook;
    chain.priority = priority;
    return add(chain);
  }
  ChainIndex add(Chain chain) {
    chain.name = "chain" + std::to_string(set.ruleset.chains.size());
    set.ruleset.chains.push_back(std::move(chain));
    return static_cast<ChainIndex>(set.ruleset.chains.size() - 1);
  }

  // A rule of `owner`, for the caller to fill.
  Rule &rule(ChainIndex chain, int owner = 0) {
    set.owners.count = std::max(set.owners.count, owner + 1);
    set.owners.of_rules.push_back(owner);
    Rule rule;
    rule.chain = chain;
    set.ruleset.rules.push_back(rule);
    return set.ruleset.rules.back();
  }
  void sets(ChainIndex chain, Mark mark, std::uint32_t value, std::uint32_t mask, int owner = 0) {
    write(rule(chain, owner), mark,
          (MarkExpression::of(mark) & MarkExpression::constant(~mask)) ^
              MarkExpression::constant(value));
  }
  void copies(ChainIndex chain, Mark to, std::uint32_t mask, int owner = 0) {
    write(rule(chain, owner), to,
          (MarkExpression::of(to) & MarkExpression::constant(~mask)) ^
              (MarkExpression::of(other(to)) & MarkExpression::constant(mask)));
  }
  Rule &tests(ChainIndex chain, Mark mark, std::uint32_t value, std::uint32_t mask, int owner = 0) {
    Rule &result = rule(chain, owner);
    result.tests.push_back({.mark = mark, .value = value, .mask = mask});
    return result;
  }
  static void write(Rule &rule, Mark mark, const MarkExpression &value) {
    rule.writes.push_back({.mark = mark,
                           .value = value,
                           .matches_before = static_cast<std::uint32_t>(rule.matches.size()),
                           .tests_before = static_cast<std::uint32_t>(rule.tests.size())});
  }
  void policy_rule(std::uint32_t value, std::uint32_t mask, int owner = 0) {
    set.owners.count = std::max(set.owners.count, owner + 1);
    set.owners.of_policy_rules.push_back(owner);
    PolicyRule rule;
    rule.value = value;
    rule.mask = mask;
    set.ruleset.policy_rules.push_back(rule);
  }

  OwnedRuleset set;
};

inline Match match_of(Attribute attribute, std::uint32_t from, std::string text = "") {
  Match match;
  match.attribute = attribute;
  match.is_stable = true;
  match.from = from;
  match.text = std::move(text);
  return match;
}

}  // namespace connmark::test
