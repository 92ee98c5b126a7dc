// SPDX-License-Identifier: GPL-2.0-or-later
//
// strict-rp-filter: marks that `ip rule` looks at, and the check of the way back does not.
#include <algorithm>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

// The interfaces that check the way back strictly, and without the mark.
std::vector<std::string> strict_interfaces(const Ruleset &ruleset) {
  ReversePathFilter all;
  for (const ReversePathFilter &each : ruleset.reverse_path_filters) {
    if (each.interface == "all") all = each;
  }
  std::vector<std::string> strict;
  if (all.src_valid_mark) return strict;
  for (const ReversePathFilter &each : ruleset.reverse_path_filters) {
    if (each.interface == "default" || each.interface == "lo" || each.src_valid_mark) continue;
    if (each.interface == "all" && ruleset.reverse_path_filters.size() > 1) continue;
    if (std::max(all.rp_filter, each.rp_filter) == 1) strict.push_back(each.interface);
  }
  return strict;
}

std::string interface_names(const std::vector<std::string> &names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

}  // namespace

void find_strict_rp_filter(const Analysis &analysis, Findings &findings) {
  const std::vector<std::string> strict = strict_interfaces(analysis.ruleset);
  if (strict.empty()) return;
  std::uint32_t routed = 0;
  std::optional<RuleIndex> policy;
  for (RuleIndex i = 0; i < analysis.ruleset.policy_rules.size(); ++i) {
    const PolicyRule &rule = analysis.ruleset.policy_rules[i];
    if (rule.family == Family::kIpv6 || !rule.looks_at_mark()) continue;
    routed |= tested_bits(rule);
    if (!policy) policy = i;
  }
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    const Rule &rule = analysis.ruleset.rules[i];
    if (!analysis.paths.callers_of(rule.chain).from_prerouting) continue;
    if ((families_of(analysis.family_of(rule)) & families_of(Family::kIpv4)) == 0) continue;
    for (const MarkWrite &write : rule.writes) {
      if (write.mark != Mark::kPacket) continue;
      const std::uint32_t bits = write_bits(write).copied & routed;
      if (bits == 0) continue;
      findings.add({.id = FindingId::kStrictRpFilter,
                    .text = "the way back is checked strictly on " + interface_names(strict) +
                            ", and without " + bits_text(bits, Mark::kPacket) +
                            ", so packets that this rule marks can be dropped",
                    .mark = Mark::kPacket,
                    .bits = bits,
                    .owner = analysis.owners.of_rule[i],
                    .hurt = {},
                    .rules = {{.rule = i, .is_policy = false, .better = {}},
                              {.rule = *policy, .is_policy = true, .better = {}}},
                    .cures = {"sysctl net.ipv4.conf.all.src_valid_mark=1"}});
    }
  }
}

}  // namespace connmark
