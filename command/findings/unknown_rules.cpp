// SPDX-License-Identifier: GPL-2.0-or-later
//
// unknown-rule: what a rule does with marks is not known.
#include "command/findings/finding.h"

namespace connmark {
namespace {

void find_unknown_rule(const Analysis &analysis, RuleIndex index, Findings &findings) {
  const Rule &rule = analysis.ruleset.rules[index];
  if (rule.unknown.empty()) return;
  const OwnerIndex owner = analysis.owners.of_rule[index];
  findings.add({.id = FindingId::kUnknownRule,
                .severity = Severity::kHint,
                .text = analysis.owner_name(owner) +
                        ": what this does with marks is not known: " + rule.unknown.front(),
                .mark = std::nullopt,
                .owner = owner,
                .hurt = {},
                .rules = {{.rule = index, .is_policy = false, .better = {}}},
                .cures = {}});
}

}  // namespace

void find_unknown_rules(const Analysis &analysis, Findings &findings) {
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    find_unknown_rule(analysis, i, findings);
  }
}

}  // namespace connmark
