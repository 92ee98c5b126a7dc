// SPDX-License-Identifier: GPL-2.0-or-later
//
// shift-loses-bits: a shift that pushes bits out of the mark, or out of the mask.
#include "command/findings/finding.h"
#include "command/output/number_text.h"
#include "command/owners/owner_names.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

Shift opposite(Shift shift) {
  return {shift.direction == Direction::kLeft ? Direction::kRight : Direction::kLeft, shift.bits};
}

struct Loss {
  Mark from = Mark::kPacket;
  std::uint32_t bits = 0;      // of `from`, or of the constant
  std::uint32_t selected = 0;  // of the source, which become these
  bool is_chosen = true;       // a mask or a value names these bits
  std::string what;
};

std::optional<Loss> loss_of(const Operation &op) {
  if (op.shift.bits == 0) return std::nullopt;
  const std::uint32_t leaving = ~shifted(kAllBits, opposite(op.shift));
  if (op.mode == Mode::kSet) {
    const std::uint32_t bits = op.ctmark & leaving;
    if (bits == 0) return std::nullopt;
    return Loss{Mark::kConnection, bits, 0, true,
                "the shift pushes " + bit_ranges(bits) + " (" + hex(bits) +
                    ") of the value out of the mark"};
  }
  const bool save = op.mode == Mode::kSave;
  const std::uint32_t selected = save ? op.nfmask : op.ctmask;
  const std::uint32_t written = save ? op.ctmask : op.nfmask;
  const Mark from = save ? Mark::kPacket : Mark::kConnection;
  const std::uint32_t lost = selected & leaving;
  if (lost != 0) {
    return Loss{from, lost, lost, selected != kAllBits,
                "the shift pushes " + bits_text(lost, from) + " out of the 32"};
  }
  const std::uint32_t outside = shifted(selected, op.shift) & ~written;
  if (outside == 0) return std::nullopt;
  return Loss{from, outside, shifted(outside, opposite(op.shift)), true,
              "after the shift " + bits_text(outside, other(from)) +
                  (outside == (outside & -outside) ? " is" : " are") +
                  " outside the mask, so they are flipped, not copied"};
}

void find_shift_loss(const Analysis &analysis, RuleIndex index, Findings &findings) {
  const Rule &rule = analysis.ruleset.rules[index];
  if (!rule.mark_rule) return;
  const auto loss = loss_of(rule.mark_rule->op);
  if (!loss) return;
  const OwnerIndex owner = analysis.owners.of_rule[index];
  Finding finding{.id = FindingId::kShiftLosesBits,
                  .severity = loss->is_chosen ? Severity::kProblem : Severity::kHint,
                  .text = analysis.owner_name(owner) + ": " + loss->what,
                  .mark = loss->from,
                  .bits = loss->bits,
                  .owner = owner,
                  .hurt = {},
                  .rules = {{.rule = index, .is_policy = false, .better = {}}},
                  .cures = {}};
  if (!findings.is_full(finding) && rule.mark_rule->op.mode != Mode::kSet) {
    // The source's mask without the bits at fault; what else the rule does it keeps on
    // doing.
    MarkRule better = *rule.mark_rule;
    const bool save = better.op.mode == Mode::kSave;
    std::uint32_t &selected = save ? better.op.nfmask : better.op.ctmask;
    selected &= ~loss->selected;
    if (selected != 0) {
      finding.rules[0].better =
          with_mark_rule(rule, {analysis.is_nft(rule), analysis.family_of(rule)}, better);
    }
  }
  findings.add(std::move(finding));
}

}  // namespace

void find_shift_losses(const Analysis &analysis, Findings &findings) {
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    find_shift_loss(analysis, i, findings);
  }
}

}  // namespace connmark
