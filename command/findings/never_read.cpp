// SPDX-License-Identifier: GPL-2.0-or-later
//
// never-read: bits that nothing looks at, neither where they are written nor where they are
// copied to.
#include <bit>

#include "command/findings/finding.h"
#include "command/flow/bit_traffic.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"

namespace connmark {

void find_never_read(const Analysis &analysis, Findings &findings) {
  BitsOfBoth elsewhere = 0;
  for (const RuleOwner &owner : analysis.owners.owners) {
    elsewhere |= bits_of(Mark::kPacket, owner.facts.read_elsewhere);
  }
  // Whether routing reads them is not known.
  if (!analysis.ruleset.has_policy_rules) elsewhere |= bits_of(Mark::kPacket, kAllBits);
  const RelevantBits read = BitTraffic(analysis.ruleset).relevant(elsewhere);
  for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
    for (const MarkWrite &write : analysis.ruleset.rules[i].writes) {
      const WriteBits bits = write_bits(write);
      const std::uint32_t unread = bits.may_be_one & ~bits.unknown & ~read.of(write.mark);
      if (unread == 0) continue;
      const OwnerIndex owner = analysis.owners.of_rule[i];
      findings.add({.id = FindingId::kNeverRead,
                    .severity = Severity::kHint,
                    .text = analysis.owner_name(owner) + ": sets " + bits_text(unread, write.mark) +
                            ", and no rule looks at " +
                            (std::has_single_bit(unread) ? "it" : "them"),
                    .mark = write.mark,
                    .bits = unread,
                    .owner = owner,
                    .hurt = {},
                    .rules = {{.rule = i, .is_policy = false, .better = {}}},
                    .cures = {}});
    }
  }
}

}  // namespace connmark
