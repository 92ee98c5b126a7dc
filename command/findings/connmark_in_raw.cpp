// SPDX-License-Identifier: GPL-2.0-or-later
//
// connmark-in-raw: rules that look for a connection where there is none yet.
#include <algorithm>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"

namespace connmark {
namespace {

bool is_about_connections(const Rule &rule) {
  return std::ranges::any_of(rule.tests,
                             [](const MarkTest &test) { return test.mark == Mark::kConnection; }) ||
         std::ranges::any_of(rule.writes, [](const MarkWrite &write) {
           return write.mark == Mark::kConnection || write_bits(write).other_sources != 0;
         });
}

}  // namespace

void find_connmark_in_raw(const Analysis &analysis, Findings &findings) {
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    const Rule &rule = analysis.ruleset.rules[i];
    const Callers &callers = analysis.paths.callers_of(rule.chain);
    if (!callers.before_conntrack || callers.after_conntrack || !is_about_connections(rule)) {
      continue;
    }
    const OwnerIndex owner = analysis.owners.of_rule[i];
    findings.add(
        {.id = FindingId::kConnmarkInRaw,
         .text = analysis.owner_name(owner) +
                 ": the connection is not yet known where this runs, so it does nothing" +
                 (callers.from_prerouting ? ", but for packets of this machine to itself" : ""),
         .mark = Mark::kConnection,
         .owner = owner,
         .hurt = {},
         .rules = {{.rule = i, .is_policy = false, .better = {}}},
         .cures = {"put it into the table mangle, or a base chain of a priority above " +
                   std::to_string(kConntrackPriority)}});
  }
}

}  // namespace connmark
