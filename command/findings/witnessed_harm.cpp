// SPDX-License-Identifier: GPL-2.0-or-later
//
// unmasked-* and shared-bits from the packets of a witness: the writer's last rule on their way
// that changed what the victim sees is at fault.
#include <algorithm>
#include <bit>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

// Nobody knows whose the chains of an administrator are.
bool is_somebody(const RuleOwner &owner) {
  return owner.kind == OwnerKind::kKnown || owner.name.ends_with('*');
}

struct Culprit {
  RuleIndex rule = 0;
  MarkWrite write;
};

// Its write of the mark that the victim looks at, else of the other one, from where it is copied.
std::optional<Culprit> culprit_of(const Analysis &analysis, const DecidedPair &pair) {
  const Witness &witness = *pair.effect.witness;
  const std::uint32_t bits = pair.differing_bits();
  std::optional<Culprit> direct;
  std::optional<Culprit> copied;
  std::uint32_t connection = witness.packets.front().connection_mark;
  for (std::size_t i = 0; i < witness.packets.size(); ++i) {
    const Trace &trace = pair.replayed->packets[i][0];
    Marks before{.ct = connection, .nf = witness.packets[i].start_mark};
    for (const Step &step : trace.steps) {
      const bool is_last = i + 1 == witness.packets.size();
      if (is_last && !witness.by_policy_rule && step.rule == witness.observer) break;
      const Rule &rule = analysis.ruleset.rules[step.rule];
      if (step.marks != before && analysis.owners.of_rule[step.rule] == pair.writer) {
        for (const MarkWrite &write : rule.writes) {
          const bool is_same = write.mark == witness.mark;
          const std::uint32_t changed =
              write.mark == Mark::kPacket ? step.marks.nf ^ before.nf : step.marks.ct ^ before.ct;
          if (is_same && (changed & bits) != 0) direct = Culprit{step.rule, write};
          if (!is_same && changed != 0) copied = Culprit{step.rule, write};
        }
      }
      before = step.marks;
    }
    connection = trace.marks.ct;
  }
  return direct ? direct : copied;
}

const char *verb(FindingId id) {
  if (id == FindingId::kUnmaskedSave) return " saves into ";
  if (id == FindingId::kUnmaskedRestore) return " restores over ";
  return " sets ";
}

std::string seen_by(const Analysis &analysis, const DecidedPair &pair) {
  const std::string &victim = analysis.owner_name(pair.victim);
  const bool is_routing = analysis.owners.owners[pair.victim].kind == OwnerKind::kRouting;
  return is_routing ? "routing" : victim;
}

void find(const Analysis &analysis, const DecidedPair &pair, Findings &findings) {
  const OwnerIndex hurt = pair.overwritten.value_or(pair.victim);
  if (hurt == pair.writer || share_on_purpose(analysis, pair.writer, hurt)) return;
  if (share_on_purpose(analysis, pair.writer, pair.victim)) return;
  if (findings.tell_harm(pair.writer, hurt)) return;
  const auto &owners = analysis.owners.owners;
  // Else both may be the administrator's, who may well mean it.
  const bool are_two = is_somebody(owners[pair.writer]) || is_somebody(owners[hurt]);
  if (!are_two && !pair.outcome_differs) return;
  const auto culprit = culprit_of(analysis, pair);
  if (!culprit) return;
  const Rule &rule = analysis.ruleset.rules[culprit->rule];
  const WriteBits bits = write_bits(culprit->write);
  const std::uint32_t own = analysis.uses.own_bits(pair.writer);
  const std::uint32_t differing = pair.differing_bits();
  const Witness &witness = *pair.effect.witness;
  const bool is_unmasked = (bits.changed & ~own) != 0 && (differing & ~own) != 0;
  Finding finding{
      .id = is_unmasked ? id_of_unmasked(culprit->write.mark, bits) : FindingId::kSharedBits,
      .severity = are_two && pair.outcome_differs ? Severity::kProblem : Severity::kHint,
      .text = {},
      .mark = witness.mark,
      .bits = differing,
      .owner = pair.writer,
      .hurt = {hurt},
      .rules = {{.rule = culprit->rule, .is_policy = false, .better = {}},
                {.rule = witness.observer, .is_policy = witness.by_policy_rule, .better = {}}},
      .cures = {}};
  finding.text = analysis.owner_name(pair.writer) + verb(finding.id) +
                 bits_text(differing, witness.mark) + ", which " + seen_by(analysis, pair) +
                 " looks at";
  if (pair.overwritten) finding.text += ", over those of " + analysis.owner_name(hurt);
  if (is_unmasked) {
    finding.rules[0].better = with_own_bits(rule, {analysis.is_nft(rule), analysis.family_of(rule)},
                                            culprit->write, own, differing);
  } else {
    finding.hurt = {pair.writer, hurt};
    for (const OwnerIndex owner : finding.hurt) {
      const Owner &facts = analysis.facts(owner);
      if (!facts.cure.empty()) finding.cures.push_back(facts.name + ": " + facts.cure);
    }
    if (finding.cures.empty()) finding.cures.emplace_back("give each of them bits of its own");
  }
  findings.add(std::move(finding));
}

}  // namespace

void find_witnessed_harm(const Analysis &analysis, Findings &findings) {
  for (const DecidedPair &pair : analysis.pairs.pairs) {
    if (pair.effect.verdict == PairVerdict::kWitness && pair.replayed && !pair.serves) {
      find(analysis, pair, findings);
    }
  }
}

}  // namespace connmark
