// SPDX-License-Identifier: GPL-2.0-or-later
//
// unmasked-save, unmasked-restore, unmasked-set: a rule that writes bits which
// are not its owner's business, over those of somebody who is there.
#include <algorithm>
#include <bit>
#include <utility>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"
#include "command/output/number_text.h"
#include "command/owners/owner_names.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

constexpr std::size_t kClaimantsKept = 8;  // for each bit, so that the work stays linear

// Nobody knows whose the chains of an administrator are; only chains that have a
// name in common may be somebody's.
bool is_somebody(const RuleOwner &owner) {
  return owner.kind == OwnerKind::kKnown || owner.name.ends_with('*');
}

// Who claims which bit.
class Claims {
 public:
  explicit Claims(const Analysis &analysis) : claimed_(analysis.owners.owners.size(), 0) {
    for (OwnerIndex owner = 0; owner < analysis.owners.owners.size(); ++owner) {
      if (!is_somebody(analysis.owners.owners[owner])) continue;
      for (const Mark mark : {Mark::kConnection, Mark::kPacket}) {
        for (std::size_t family = 0; family < kMarkFamilies; ++family) {
          add(owner, mark, family,
              analysis.uses.claimed(owner, mark, family == 0 ? Family::kIpv4 : Family::kIpv6));
        }
      }
    }
  }

  // Calls visitor(claimant, bits) for each but `except` that claims some of `bits`.
  template <typename Visitor>
  void each(Mark mark, Family family, std::uint32_t bits, OwnerIndex except,
            const Visitor &visitor) {
    std::vector<OwnerIndex> found;
    for (std::size_t i = 0; i < kMarkFamilies; ++i) {
      if ((families_of(family) >> i & 1) == 0) continue;
      const auto &of_bit = claimants_[static_cast<std::size_t>(mark)][i];
      for (std::uint32_t left = bits; left != 0; left &= left - 1) {
        for (const OwnerIndex claimant : of_bit[static_cast<std::size_t>(std::countr_zero(left))]) {
          if (claimant == except) continue;
          if (claimed_[claimant] == 0) found.push_back(claimant);
          claimed_[claimant] |= left & -left;
        }
      }
    }
    std::ranges::sort(found);
    for (const OwnerIndex claimant : found) {
      visitor(claimant, std::exchange(claimed_[claimant], 0));
    }
  }

 private:
  void add(OwnerIndex owner, Mark mark, std::size_t family, std::uint32_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      auto &claimants = claimants_[static_cast<std::size_t>(mark)][family]
                                  [static_cast<std::size_t>(std::countr_zero(bits))];
      if (claimants.size() < kClaimantsKept) claimants.push_back(owner);
    }
  }

  std::array<std::array<std::array<std::vector<OwnerIndex>, 32>, kMarkFamilies>, 2> claimants_;
  std::vector<std::uint32_t> claimed_;  // of each owner, while each() looks; else 0
};

// Where each owner first writes the packet's mark.
class FirstWrites {
 public:
  explicit FirstWrites(const Analysis &analysis) : first_(analysis.owners.owners.size()) {
    for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
      const Rule &rule = analysis.ruleset.rules[i];
      const bool writes = std::ranges::any_of(
          rule.writes, [](const MarkWrite &write) { return write.mark == Mark::kPacket; });
      if (!writes) continue;
      for (const Path path : kPaths) {
        const Visits &visits = analysis.paths.visits(path, i);
        std::uint32_t &first = first_[analysis.owners.of_rule[i]][static_cast<std::size_t>(path)];
        if (visits.any() && (first == 0 || visits.first < first)) first = visits.first;
      }
    }
  }

  bool any(OwnerIndex owner) const {
    return std::ranges::any_of(first_[owner], [](std::uint32_t first) { return first != 0; });
  }

  // Whether a packet may have the owner's bits when it comes to `rule`.
  bool come_before(OwnerIndex owner, const Analysis &analysis, RuleIndex rule) const {
    return std::ranges::any_of(kPaths, [&](Path path) {
      const std::uint32_t first = first_[owner][static_cast<std::size_t>(path)];
      return first != 0 && first < analysis.paths.visits(path, rule).last;
    });
  }

 private:
  std::vector<std::array<std::uint32_t, kPaths.size()>> first_;
};

const char *verb(FindingId id) {
  if (id == FindingId::kUnmaskedSave) return " saves into ";
  return id == FindingId::kUnmaskedRestore ? " restores over " : " sets ";
}

class Overwriting {
 public:
  Overwriting(const Analysis &analysis, Findings &findings)
      : analysis_(analysis), findings_(findings), claims_(analysis), first_writes_(analysis) {
    for (OwnerIndex owner = 0; owner < analysis.owners.owners.size(); ++owner) {
      restored_ |= analysis.uses.of(owner, Mark::kPacket).copied;
    }
  }

  void look_at(RuleIndex index, const KnownMarks &known) {
    for (const MarkWrite &write : analysis_.ruleset.rules[index].writes) {
      look_at(index, write, known);
    }
  }

 private:
  // What the packet's or connection's bits are, or would be after the write.
  static std::uint32_t harmless(const WriteBits &bits, const KnownMarks::One &known) {
    return known.zero_bits() & ~(bits.ones | bits.unknown);
  }

  void look_at(RuleIndex index, const MarkWrite &write, const KnownMarks &known) {
    const OwnerIndex owner = analysis_.owners.of_rule[index];
    const std::uint32_t own = analysis_.uses.own_bits(owner);
    const WriteBits bits = write_bits(write);
    const std::uint32_t foreign = bits.changed & ~own & ~harmless(bits, known.of(write.mark));
    // What a save takes along comes back to other packets with a restore.
    const bool saves = bits.copied != 0 && write.mark == Mark::kConnection;
    const std::uint32_t taken =
        saves ? bits.copied & bits.other_sources & restored_ & ~own & ~known.of(Mark::kPacket).mask
              : 0;
    if (foreign == 0 && taken == 0) return;
    const Rule &rule = analysis_.ruleset.rules[index];
    const FindingId id = id_of_unmasked(write.mark, bits);
    std::vector<OwnerIndex> hurt;
    std::uint32_t harmed = 0;
    const auto note = [&](OwnerIndex victim, std::uint32_t victims_bits) {
      if (share_on_purpose(analysis_, owner, victim)) return;
      if (may_be_one(owner, victim, bits)) return;
      if (std::ranges::find(hurt, victim) == hurt.end()) hurt.push_back(victim);
      harmed |= victims_bits;
    };
    const Family family = analysis_.family_of(rule);
    claims_.each(write.mark, family, foreign, owner,
                 [&](OwnerIndex victim, std::uint32_t victims_bits) {
                   if (id == FindingId::kUnmaskedSet && write.mark == Mark::kPacket &&
                       !is_in_the_way(index, victim, victims_bits)) {
                     return;
                   }
                   note(victim, victims_bits);
                 });
    const bool is_taking = hurt.empty();
    if (is_taking) claims_.each(Mark::kPacket, family, taken, owner, note);
    if (hurt.empty()) return;
    Finding finding{.id = id,
                    .text = {},
                    .mark = is_taking ? Mark::kPacket : write.mark,
                    .bits = harmed,
                    .owner = owner,
                    .hurt = hurt,
                    .rules = {{.rule = index, .is_policy = false, .better = {}}},
                    .cures = {}};
    if (!findings_.is_full(finding)) {
      finding.text = text_of(finding, is_taking);
      finding.rules[0].better = with_own_bits(
          rule, {analysis_.is_nft(rule), analysis_.family_of(rule)}, write, own, harmed);
    }
    findings_.add(std::move(finding));
  }

  // Two groups of chains are of two only if one of them writes whole marks.
  bool may_be_one(OwnerIndex writer, OwnerIndex victim, const WriteBits &bits) const {
    const RuleOwner &one = analysis_.owners.owners[writer];
    const RuleOwner &other = analysis_.owners.owners[victim];
    if (one.kind == OwnerKind::kKnown || other.kind == OwnerKind::kKnown) return false;
    return !is_somebody(one) || bits.changed != kAllBits;
  }

  bool is_in_the_way(RuleIndex rule, OwnerIndex victim, std::uint32_t bits) const {
    if ((analysis_.facts(victim).written_elsewhere & bits) != 0) return true;
    return !first_writes_.any(victim) || first_writes_.come_before(victim, analysis_, rule);
  }

  std::string text_of(const Finding &finding, bool is_taking) const {
    const std::string who = analysis_.owner_name(*finding.owner);
    const std::string whose = owner_names(analysis_, finding.hurt);
    if (is_taking) {
      return who + " saves " + bits_text(finding.bits, *finding.mark) + ", which " + whose +
             (finding.hurt.size() == 1 ? " uses" : " use") +
             ", and they are restored to other packets";
    }
    return who + verb(finding.id) + bits_text(finding.bits, *finding.mark) + ", which " + whose +
           (finding.hurt.size() == 1 ? " uses" : " use");
  }

  const Analysis &analysis_;
  Findings &findings_;
  Claims claims_;
  FirstWrites first_writes_;
  std::uint32_t restored_ = 0;
};

}  // namespace

void find_overwritten_bits(const Analysis &analysis, Findings &findings) {
  Overwriting overwriting(analysis, findings);
  analysis.paths.each_rule([&overwriting](RuleIndex rule, const KnownMarks &known) {
    overwriting.look_at(rule, known);
  });
}

}  // namespace connmark
