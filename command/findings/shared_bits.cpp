// SPDX-License-Identifier: GPL-2.0-or-later
//
// shared-bits: two owners who both mean the same bit.
#include <algorithm>
#include <bit>
#include <set>

#include "command/findings/finding.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

constexpr std::size_t kOwnersKept = 8;  // of unknown owners for each bit

class SharedBits {
 public:
  SharedBits(const Analysis &analysis, Findings &findings)
      : analysis_(analysis), findings_(findings) {
    for (OwnerIndex i = 0; i < analysis.owners.owners.size(); ++i) {
      if (is_known(i)) known_.push_back(i);
    }
    for (RuleIndex i = 0; i < analysis.ruleset.rules.size(); ++i) {
      if (!analysis.ruleset.rules[i].writes.empty()) {
        writers_of_.resize(analysis.owners.owners.size());
        writers_of_[analysis.owners.of_rule[i]].push_back(i);
      }
    }
    writers_of_.resize(analysis.owners.owners.size());
  }

  void find() {
    for (OwnerIndex one = 0; one < analysis_.owners.owners.size(); ++one) {
      for (const OwnerIndex other : known_) {
        if (other == one || (is_known(one) && other < one)) continue;
        for (const Mark mark : {Mark::kConnection, Mark::kPacket}) compare(one, other, mark);
      }
    }
    for (const Mark mark : {Mark::kConnection, Mark::kPacket}) compare_unknown(mark);
  }

 private:
  using OfFamilies = std::array<std::uint32_t, kMarkFamilies>;

  bool is_known(OwnerIndex owner) const {
    return analysis_.owners.owners[owner].kind == OwnerKind::kKnown;
  }

  // What the owner means to write: of unknown owners only constants, since they
  // may well save and restore for somebody else.
  OfFamilies meant(OwnerIndex owner, Mark mark) const {
    const MarkUse &use = analysis_.uses.of(owner, mark);
    OfFamilies bits = use.set;
    if (!is_known(owner)) return bits;
    const Owner &facts = analysis_.facts(owner);
    for (std::size_t i = 0; i < kMarkFamilies; ++i) {
      bits[i] |= use.changed[i] & facts.mask;
      if (facts.named_by_user) bits[i] |= facts.mask;
    }
    return bits;
  }

  static std::uint32_t common(const OfFamilies &left, const OfFamilies &right) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kMarkFamilies; ++i) bits |= left[i] & right[i];
    return bits;
  }

  void compare(OwnerIndex one, OwnerIndex other, Mark mark) {
    const std::uint32_t bits = common(meant(one, mark), meant(other, mark));
    if (bits != 0 && !share_on_purpose(analysis_, one, other)) report(one, other, mark, bits);
  }

  // Chains of two unknown owners that set the same bits to different values.
  void compare_unknown(Mark mark) {
    struct Setter {
      OwnerIndex owner;
      std::uint32_t ones;
    };
    std::array<std::array<std::vector<Setter>, kMarkFamilies>, 32> setters;
    for (RuleIndex i = 0; i < analysis_.ruleset.rules.size(); ++i) {
      const Rule &rule = analysis_.ruleset.rules[i];
      if (rule.writes.empty()) continue;
      const OwnerIndex owner = analysis_.owners.of_rule[i];
      if (analysis_.owners.owners[owner].kind != OwnerKind::kChains) continue;
      for (const MarkWrite &write : rule.writes) {
        if (write.mark != mark) continue;
        const WriteBits bits = write_bits(write);
        if (bits.copied != 0 || bits.constant == kAllBits) continue;
        for (std::uint32_t left = bits.ones; left != 0; left &= left - 1) {
          for (std::size_t family = 0; family < kMarkFamilies; ++family) {
            if ((families_of(analysis_.family_of(rule)) >> family & 1) == 0) continue;
            auto &of_bit = setters[static_cast<std::size_t>(std::countr_zero(left))][family];
            const bool is_there = std::ranges::find(of_bit, owner, &Setter::owner) != of_bit.end();
            if (!is_there && of_bit.size() < kOwnersKept) of_bit.push_back({owner, bits.ones});
          }
        }
      }
    }
    std::set<std::pair<OwnerIndex, OwnerIndex>> seen;
    for (const auto &of_families : setters) {
      for (const auto &of_bit : of_families) {
        for (std::size_t i = 0; i < of_bit.size(); ++i) {
          for (std::size_t j = i + 1; j < of_bit.size(); ++j) {
            if (of_bit[i].ones == of_bit[j].ones) continue;
            const auto pair = std::minmax(of_bit[i].owner, of_bit[j].owner);
            if (!seen.insert(pair).second) continue;
            report(pair.first, pair.second, mark,
                   common(meant(pair.first, mark), meant(pair.second, mark)));
          }
        }
      }
    }
  }

  std::optional<RuleIndex> first_writer(OwnerIndex owner, Mark mark, std::uint32_t bits) const {
    for (const RuleIndex i : writers_of_[owner]) {
      for (const MarkWrite &write : analysis_.ruleset.rules[i].writes) {
        if (write.mark == mark && (changed_bits(mark, write.value) & bits) != 0) return i;
      }
    }
    return std::nullopt;
  }

  void report(OwnerIndex one, OwnerIndex other, Mark mark, std::uint32_t bits) {
    Finding finding{
        .id = FindingId::kSharedBits,
        .text = owner_names(analysis_, {one, other}) + " both write " + bits_text(bits, mark),
        .mark = mark,
        .bits = bits,
        .owner = one,
        .hurt = {one, other},
        .rules = {},
        .cures = {}};
    for (const OwnerIndex owner : {one, other}) {
      if (const auto rule = first_writer(owner, mark, bits)) {
        finding.rules.push_back({.rule = *rule, .is_policy = false, .better = {}});
      }
      const Owner &facts = analysis_.facts(owner);
      if (!facts.cure.empty()) finding.cures.push_back(facts.name + ": " + facts.cure);
    }
    if (finding.cures.empty()) finding.cures.emplace_back("give each of them bits of its own");
    findings_.add(std::move(finding));
  }

  const Analysis &analysis_;
  Findings &findings_;
  std::vector<OwnerIndex> known_;
  std::vector<std::vector<RuleIndex>> writers_of_;
};

}  // namespace

void find_shared_bits(const Analysis &analysis, Findings &findings) {
  SharedBits(analysis, findings).find();
}

}  // namespace connmark
