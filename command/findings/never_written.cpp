// SPDX-License-Identifier: GPL-2.0-or-later
//
// never-written: tests of bits that no rule can set.
#include <bit>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

using OfMarks = std::array<std::uint32_t, 2>;

std::uint32_t &of(OfMarks &bits, Mark mark) { return bits[static_cast<std::size_t>(mark)]; }

// Which bits of the marks can ever be 1, as far as the rules say.
class PossibleOnes {
 public:
  explicit PossibleOnes(const Analysis &analysis) {
    for (const Rule &rule : analysis.ruleset.rules) {
      for (const MarkWrite &write : rule.writes) add(write);
    }
    for (const RuleOwner &owner : analysis.owners.owners) {
      of(ones_, Mark::kPacket) |= owner.facts.written_elsewhere;
    }
    spread();
  }

  std::uint32_t of_mark(Mark mark) const { return ones_[static_cast<std::size_t>(mark)]; }

 private:
  void add(const MarkWrite &write) {
    of(ones_, write.mark) |= write_bits(write).may_be_one;
    for (int i = 0; i < 32; ++i) {
      const BitValue &value = write.value.bit(i);
      if (value.unknown) continue;
      const auto note = [&](Mark from, int bit) {
        if (bit < 0) return;
        copied_[static_cast<std::size_t>(write.mark)][static_cast<std::size_t>(i)]
               [static_cast<std::size_t>(from)] |= std::uint32_t{1} << bit;
      };
      note(Mark::kConnection, value.connection);
      note(Mark::kPacket, value.packet);
    }
  }

  // A copy of what can be 1 can be 1.
  void spread() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (std::size_t mark = 0; mark < 2; ++mark) {
        for (std::size_t bit = 0; bit < 32; ++bit) {
          const OfMarks &from = copied_[mark][bit];
          if ((ones_[mark] >> bit & 1) != 0) continue;
          if ((from[0] & ones_[0]) == 0 && (from[1] & ones_[1]) == 0) continue;
          ones_[mark] |= std::uint32_t{1} << bit;
          changed = true;
        }
      }
    }
  }

  OfMarks ones_ = {};
  std::array<std::array<OfMarks, 32>, 2> copied_ = {};  // [written mark][bit][mark of the source]
};

// The bits for want of which the test has the same result for all packets.
std::uint32_t missing(std::uint32_t value, std::uint32_t mask, bool value_known,
                      std::uint32_t possible) {
  if (value_known && (value & ~mask) != 0) return 0;  // impossible anyway
  if ((mask & possible) == 0) return mask == kAllBits ? value : mask;
  return value_known ? value & ~possible : 0;
}

}  // namespace

void find_never_written(const Analysis &analysis, Findings &findings) {
  const PossibleOnes possible(analysis);
  const auto add = [&](OwnerIndex owner, Mark mark, std::uint32_t bits, FindingRule rule) {
    if (bits == 0) return;
    findings.add({.id = FindingId::kNeverWritten,
                  .severity = Severity::kHint,
                  .text = analysis.owner_name(owner) + ": looks at " + bits_text(bits, mark) +
                          ", and no rule sets " + (std::has_single_bit(bits) ? "it" : "them"),
                  .mark = mark,
                  .bits = bits,
                  .owner = owner,
                  .hurt = {},
                  .rules = {std::move(rule)},
                  .cures = {}});
  };
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    for (const MarkTest &test : analysis.ruleset.rules[i].tests) {
      add(analysis.owners.of_rule[i], test.mark,
          missing(test.value, test.mask, test.value_known, possible.of_mark(test.mark)),
          {.rule = i, .is_policy = false, .better = {}});
    }
  }
  // Only the routing rules were given.
  if (analysis.ruleset.chains.empty()) return;
  for (RuleIndex i = 0; i < analysis.ruleset.policy_rules.size(); ++i) {
    const PolicyRule &rule = analysis.ruleset.policy_rules[i];
    const std::uint32_t value = rule.value & rule.mask;
    add(analysis.owners.of_policy_rule[i], Mark::kPacket,
        missing(value, rule.mask, true, possible.of_mark(Mark::kPacket)),
        {.rule = i, .is_policy = true, .better = {}});
  }
}

}  // namespace connmark
