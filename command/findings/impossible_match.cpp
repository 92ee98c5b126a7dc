// SPDX-License-Identifier: GPL-2.0-or-later
//
// impossible-match: a test whose value has bits that its mask leaves out.
#include "command/findings/finding.h"
#include "command/output/number_text.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

void find_impossible_match(const Analysis &analysis, RuleIndex index, const MarkTest &test,
                           Findings &findings) {
  const std::uint32_t outside = test.value & ~test.mask;
  if (!test.value_known || outside == 0) return;
  Finding finding{.id = FindingId::kImpossibleMatch,
                  .text = std::string(test.inverted ? "always" : "never") +
                          " matches: " + hex(test.value) + " has " + bit_ranges(outside) +
                          ", which the mask " + hex(test.mask) + " leaves out",
                  .mark = test.mark,
                  .bits = outside,
                  .owner = analysis.owners.of_rule[index],
                  .hurt = {},
                  .rules = {{.rule = index, .is_policy = false, .better = {}}},
                  .cures = {}};
  if (!findings.is_full(finding)) {
    const Rule &rule = analysis.ruleset.rules[index];
    MarkTest wider = test;
    wider.mask |= test.value;
    finding.rules[0].better =
        with_test(rule, {analysis.is_nft(rule), analysis.family_of(rule)}, test, wider);
  }
  findings.add(std::move(finding));
}

}  // namespace

void find_impossible_matches(const Analysis &analysis, Findings &findings) {
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    for (const MarkTest &test : analysis.ruleset.rules[i].tests) {
      find_impossible_match(analysis, i, test, findings);
    }
  }
}

}  // namespace connmark
