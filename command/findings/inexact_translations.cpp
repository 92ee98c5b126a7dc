// SPDX-License-Identifier: GPL-2.0-or-later
//
// stock-translation: rules that iptables' own plugin translates into something else.
#include "command/findings/finding.h"
#include "command/findings/stock_translation.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

void find_inexact_translation(const Analysis &analysis, RuleIndex index, Findings &findings) {
  const Rule &rule = analysis.ruleset.rules[index];
  if (analysis.is_nft(rule) || !rule.mark_rule) return;
  if (rule.mark_rule->target != Target::kConnmark) return;
  if (stock_translation(rule.mark_rule->op) != StockTranslation::kInexact) return;
  const OwnerIndex owner = analysis.owners.of_rule[index];
  Finding finding{
      .id = FindingId::kStockTranslation,
      .severity = Severity::kHint,
      .text = analysis.owner_name(owner) +
              ": the translation to nft by iptables' own plugin, also in what nft"
              " lists, does something else",
      .mark = std::nullopt,
      .owner = owner,
      .hurt = {},
      .rules = {{.rule = index, .is_policy = false, .better = {}}},
      .cures = {"translate with the plugin of this package, or with connmark translate"}};
  if (!findings.is_full(finding)) {
    finding.rules[0].better =
        with_mark_rule(rule, {true, analysis.family_of(rule)}, *rule.mark_rule);
  }
  findings.add(std::move(finding));
}

}  // namespace

void find_inexact_translations(const Analysis &analysis, Findings &findings) {
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    find_inexact_translation(analysis, i, findings);
  }
}

}  // namespace connmark
