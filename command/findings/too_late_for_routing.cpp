// SPDX-License-Identifier: GPL-2.0-or-later
//
// too-late-for-routing: a mark that `ip rule` waits for, written where it makes no difference to
// any of its rules, whatever packets come.
#include <algorithm>
#include <bit>
#include <set>

#include "command/findings/finding.h"
#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"
#include "command/output/number_text.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

constexpr std::size_t kMostQuestions = 64;

// A constant that a rule writes to the packet's mark.
struct Constant {
  OwnerIndex owner;
  std::uint32_t bits;
  std::uint32_t ones;

  auto operator<=>(const Constant &) const = default;
};

std::optional<Constant> constant_of(const Analysis &analysis, RuleIndex rule) {
  for (const MarkWrite &write : analysis.ruleset.rules[rule].writes) {
    const WriteBits bits = write_bits(write);
    if (write.mark != Mark::kPacket || bits.ones == 0) continue;
    return Constant{analysis.owners.of_rule[rule], bits.constant, bits.ones};
  }
  return std::nullopt;
}

// Whether the constant is what the policy rule waits for, or, with "not", keeps away from.
bool is_meant_for(const Constant &constant, Family family, const PolicyRule &rule) {
  const std::uint32_t value = rule.value & rule.mask;
  const std::uint32_t here = constant.bits & rule.mask;
  return (constant.ones & value) != 0 && (constant.ones & here) == (value & here) &&
         meet(family, rule.family);
}

std::string in_time(const Analysis &analysis, const Rule &rule, std::uint32_t bits) {
  if (analysis.is_nft(rule)) {
    return "write it in a base chain of \"type filter hook prerouting\" or \"type route hook "
           "output\"";
  }
  const std::vector<std::string> words = rule_words(rule.text);
  const bool needs_exit = std::ranges::find(words, "-o") != words.end();
  const Callers &callers = analysis.paths.callers_of(rule.chain);
  if (needs_exit && !callers.from_output) {
    return "save it behind this rule (-j CONNMARK --save-mark --mask " + hex(bits) +
           ") and restore it in mangle PREROUTING, for the packets that follow";
  }
  return std::string("write it in the table mangle, chain ") +
         (callers.from_output ? "OUTPUT" : "PREROUTING (for packets of this machine OUTPUT)");
}

class LateMarks {
 public:
  LateMarks(const Analysis &analysis, Findings &findings)
      : analysis_(analysis), findings_(findings), flow_(analysis.ruleset, options_of_audit()) {
    const Ruleset &ruleset = analysis.ruleset;
    looks_ = {2, std::vector<std::uint32_t>(ruleset.rules.size(), kRules),
              std::vector<std::uint32_t>(ruleset.policy_rules.size(), kRouting)};
    for (RuleIndex i = 0; i < ruleset.rules.size(); ++i) {
      const auto constant = constant_of(analysis, i);
      if (constant && !is_late(i)) in_time_.insert(*constant);
    }
  }

  void find() {
    std::size_t asked = 0;
    for (RuleIndex i = 0; i < analysis_.ruleset.rules.size(); ++i) {
      const auto constant = constant_of(analysis_, i);
      if (!constant || !is_late(i)) continue;
      const auto policy = policy_for(*constant, i);
      if (!policy) continue;
      if (++asked > kMostQuestions) return;
      if (makes_no_difference(*constant, i)) report(i, *policy);
    }
  }

 private:
  enum Looks : std::uint32_t { kRules, kRouting };

  bool is_late(RuleIndex rule) const {
    const Callers &callers = analysis_.paths.callers_of(analysis_.ruleset.rules[rule].chain);
    return callers.after_routing && !callers.before_routing;
  }

  std::optional<RuleIndex> policy_for(const Constant &constant, RuleIndex rule) const {
    const Family family = analysis_.family_of(analysis_.ruleset.rules[rule]);
    const std::uint32_t elsewhere = analysis_.facts(constant.owner).written_elsewhere;
    for (RuleIndex i = 0; i < analysis_.ruleset.policy_rules.size(); ++i) {
      const PolicyRule &policy = analysis_.ruleset.policy_rules[i];
      if ((elsewhere & policy.value) == 0 && is_meant_for(constant, family, policy)) return i;
    }
    return std::nullopt;
  }

  // Not to routing; nor to rules, where others of the owner write the same in time: then it may
  // be meant for those alone.
  bool makes_no_difference(const Constant &constant, RuleIndex rule) {
    std::vector<bool> silenced(analysis_.ruleset.rules.size(), false);
    silenced[rule] = true;
    const auto effects = flow_.without(silenced, looks_, {false, false});
    if (effects[kRouting].verdict != PairVerdict::kApart) return false;
    return effects[kRules].verdict == PairVerdict::kApart || !in_time_.contains(constant);
  }

  void report(RuleIndex index, RuleIndex policy) {
    const Rule &rule = analysis_.ruleset.rules[index];
    const OwnerIndex owner = analysis_.owners.of_rule[index];
    const std::uint32_t bits = tested_bits(analysis_.ruleset.policy_rules[policy]);
    findings_.add({.id = FindingId::kTooLateForRouting,
                   .text = analysis_.owner_name(owner) + ": routing looks at " +
                           bits_text(bits, Mark::kPacket) + ", but when this rule writes " +
                           (std::has_single_bit(bits) ? "it" : "them") +
                           " the route has been chosen",
                   .mark = Mark::kPacket,
                   .bits = bits,
                   .owner = owner,
                   .hurt = {},
                   .rules = {{.rule = index, .is_policy = false, .better = {}},
                             {.rule = policy, .is_policy = true, .better = {}}},
                   .cures = {in_time(analysis_, rule, bits)}});
  }

  const Analysis &analysis_;
  Findings &findings_;
  MarkFlow flow_;
  GroupedRules looks_;
  std::set<Constant> in_time_;
};

}  // namespace

void find_too_late_for_routing(const Analysis &analysis, Findings &findings) {
  if (analysis.ruleset.policy_rules.empty() || !analysis.pairs.why_not.empty()) return;
  LateMarks(analysis, findings).find();
}

}  // namespace connmark
