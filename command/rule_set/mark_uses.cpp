// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/mark_uses.h"

#include "command/marks/write_bits.h"

namespace connmark {
namespace {

void add_bits(std::array<std::uint32_t, kMarkFamilies> &to, Family family, std::uint32_t bits) {
  for (std::size_t i = 0; i < kMarkFamilies; ++i) {
    if ((families_of(family) >> i & 1) != 0) to[i] |= bits;
  }
}

// The bits of the written mark itself that come to another place in it.
std::uint32_t moved_bits(const MarkWrite &write) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = write.value.bit(i);
    const int from = write.mark == Mark::kConnection ? bit.connection : bit.packet;
    if (from >= 0 && from != i) bits |= std::uint32_t{1} << from;
  }
  return bits;
}

// A copy of all bits says nothing of what it is for.
std::uint32_t narrow(std::uint32_t bits) { return bits == kAllBits ? 0 : bits; }

}  // namespace

MarkUses::MarkUses(const Ruleset &ruleset, const RuleOwners &owners)
    : owners_(owners), uses_(owners.owners.size()), own_bits_(owners.owners.size()) {
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    const Rule &rule = ruleset.rules[i];
    add(owners.of_rule[i], ruleset.chains[rule.chain].family, rule);
  }
  for (std::size_t i = 0; i < ruleset.policy_rules.size(); ++i) {
    add(owners.of_policy_rule[i], ruleset.policy_rules[i]);
  }
  for (OwnerIndex i = 0; i < uses_.size(); ++i) {
    for (const MarkUse &use : uses_[i]) own_bits_[i] |= use.chosen;
    own_bits_[i] |= owners.owners[i].facts.mask;
  }
}

void MarkUses::add(OwnerIndex owner, Family family, const Rule &rule) {
  for (const MarkTest &test : rule.tests) {
    MarkUse &use = of(owner, test.mark);
    use.read |= test.mask;
    use.chosen |= tested_bits(test);
    add_bits(use.claimed, family, tested_bits(test));
  }
  for (const MarkWrite &write : rule.writes) {
    const WriteBits bits = write_bits(write);
    MarkUse &use = of(owner, write.mark);
    use.written |= bits.changed & ~bits.copied;
    use.copied |= bits.copied;
    use.unknown |= bits.unknown;
    use.chosen |= chosen_bits(bits);
    add_bits(use.set, family, chosen_bits(bits));
    add_bits(use.changed, family, bits.changed);
    add_bits(use.claimed, family, chosen_bits(bits) | narrow(bits.copied));
    use.read |= moved_bits(write);
    MarkUse &source = of(owner, other(write.mark));
    source.copied_from |= bits.other_sources;
    add_bits(source.claimed, family, narrow(bits.other_sources));
  }
}

void MarkUses::add(OwnerIndex owner, const PolicyRule &rule) {
  MarkUse &use = of(owner, Mark::kPacket);
  use.read |= rule.mask;
  use.chosen |= tested_bits(rule);
  add_bits(use.claimed, rule.family, tested_bits(rule));
}

std::uint32_t MarkUses::claimed(OwnerIndex owner, Mark mark, Family family) const {
  const RuleOwner &who = owners_.owners[owner];
  if (who.kind == OwnerKind::kRouting) return 0;
  const MarkUse &use = of(owner, mark);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kMarkFamilies; ++i) {
    if ((families_of(family) >> i & 1) != 0) bits |= use.claimed[i];
  }
  const Owner &facts = who.facts;
  if (facts.named_by_user) bits |= facts.mask;
  if (bits != 0 || who.kind != OwnerKind::kKnown) return bits;
  const bool has_mark = mark == Mark::kPacket ? facts.on_packet : facts.on_connection;
  const bool is_evident = uses_[owner][0].claimed != decltype(use.claimed){} ||
                          uses_[owner][1].claimed != decltype(use.claimed){};
  return has_mark && !is_evident ? facts.mask : 0;
}

}  // namespace connmark
