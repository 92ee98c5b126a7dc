// SPDX-License-Identifier: GPL-2.0-or-later
//
// too-late-for-routing: marks that `ip rule` waits for, written where the route has been chosen.
#include <algorithm>
#include <bit>
#include <map>

#include "command/findings/finding.h"
#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"
#include "command/output/number_text.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

// Constants that an owner writes, each once.
struct Constant {
  OwnerIndex owner;
  Mark mark;
  Family family;
  std::uint32_t bits;
  std::uint32_t ones;

  auto operator<=>(const Constant &) const = default;
};

struct Writers {
  bool in_time = false;  // or of the connection's mark, which is restored in time
  std::optional<RuleIndex> late;
};

// Which bits are saved into the connection, and up to where on each path.
class Saves {
 public:
  explicit Saves(const Analysis &analysis) : analysis_(analysis) {
    for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
      for (const MarkWrite &write : analysis.ruleset.rules[i].writes) {
        if (write.mark != Mark::kConnection) continue;
        note(i, write_bits(write).other_sources);
      }
    }
  }

  bool come_behind(RuleIndex rule, std::uint32_t bits) const {
    for (const Path path : kPaths) {
      const Visits &visits = analysis_.paths.visits(path, rule);
      if (!visits.any()) continue;
      for (; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
        if (last_[static_cast<std::size_t>(path)][bit] > visits.first) return true;
      }
    }
    return false;
  }

 private:
  void note(RuleIndex rule, std::uint32_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
      for (const Path path : kPaths) {
        std::uint32_t &last = last_[static_cast<std::size_t>(path)][bit];
        last = std::max(last, analysis_.paths.visits(path, rule).last);
      }
    }
  }

  const Analysis &analysis_;
  std::array<std::array<std::uint32_t, 32>, kPaths.size()> last_ = {};
};

// Those of owners that write some mark too late.
std::vector<std::pair<Constant, Writers>> constants_of(const Analysis &analysis) {
  const Saves saves(analysis);
  std::map<Constant, Writers> constants;
  std::vector<bool> late_owners(analysis.owners.owners.size(), false);
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    const Rule &rule = analysis.ruleset.rules[i];
    const Callers &callers = analysis.paths.callers_of(rule.chain);
    for (const MarkWrite &write : rule.writes) {
      const WriteBits bits = write_bits(write);
      if (bits.ones == 0) continue;
      Writers &writers = constants[{analysis.owners.of_rule[i], write.mark,
                                    analysis.family_of(rule), bits.constant, bits.ones}];
      const bool is_late = write.mark == Mark::kPacket && !callers.before_routing &&
                           callers.after_routing && !saves.come_behind(i, bits.ones);
      if (!is_late) {
        writers.in_time = true;
      } else if (!writers.late) {
        writers.late = i;
        late_owners[analysis.owners.of_rule[i]] = true;
      }
    }
  }
  std::vector<std::pair<Constant, Writers>> result;
  for (const auto &each : constants) {
    if (late_owners[each.first.owner]) result.emplace_back(each);
  }
  return result;
}

// Whether the constant is what the policy rule waits for.
bool makes_match(const Constant &constant, const PolicyRule &rule) {
  const std::uint32_t value = rule.value & rule.mask;
  const std::uint32_t here = constant.bits & rule.mask;
  return (constant.ones & value) != 0 && (constant.ones & here) == (value & here) &&
         meet(constant.family, rule.family);
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

}  // namespace

void find_too_late_for_routing(const Analysis &analysis, Findings &findings) {
  if (analysis.ruleset.policy_rules.empty()) return;
  const auto constants = constants_of(analysis);
  for (RuleIndex i = 0; i < analysis.ruleset.policy_rules.size(); ++i) {
    const PolicyRule &policy = analysis.ruleset.policy_rules[i];
    if (policy.inverted || (policy.value & policy.mask) == 0) continue;
    std::map<OwnerIndex, Writers> of_owner;
    for (const auto &[constant, writers] : constants) {
      if (!makes_match(constant, policy)) continue;
      Writers &all = of_owner[constant.owner];
      all.in_time |= writers.in_time;
      if (!all.late) all.late = writers.late;
    }
    for (const auto &[owner, writers] : of_owner) {
      const std::uint32_t elsewhere = analysis.facts(owner).written_elsewhere;
      if (writers.in_time || !writers.late || (elsewhere & policy.value) != 0) continue;
      const Rule &rule = analysis.ruleset.rules[*writers.late];
      const std::uint32_t bits = tested_bits(policy);
      findings.add({.id = FindingId::kTooLateForRouting,
                    .text = analysis.owner_name(owner) + ": routing looks at " +
                            bits_text(bits, Mark::kPacket) + ", but when this rule writes " +
                            (std::has_single_bit(bits) ? "it" : "them") +
                            " the route has been chosen",
                    .mark = Mark::kPacket,
                    .bits = bits,
                    .owner = owner,
                    .hurt = {},
                    .rules = {{.rule = *writers.late, .is_policy = false, .better = {}},
                              {.rule = i, .is_policy = true, .better = {}}},
                    .cures = {in_time(analysis, rule, bits)}});
    }
  }
}

}  // namespace connmark
