// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who does what with which bits.
#pragma once

#include <array>
#include <vector>

#include "command/owners/rule_owners.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// The two families that can have a mark; a rule of nft's inet counts in both.
inline constexpr std::size_t kMarkFamilies = 2;

// Of one of the marks.
struct MarkUse {
  std::uint32_t written = 0;  // with something else than the other mark
  std::uint32_t copied = 0;   // written from the other mark
  std::uint32_t read = 0;     // tested, by rules or by routing
  std::uint32_t copied_from = 0;
  std::uint32_t unknown = 0;  // written with nobody knows what
  // The bits that the rules are about, as opposed to those that they write for
  // want of a mask; `chosen` leaves out copies.
  std::uint32_t chosen = 0;
  std::array<std::uint32_t, kMarkFamilies> claimed = {};
  std::array<std::uint32_t, kMarkFamilies> changed = {};
  // Of `changed`: constants that were chosen for these bits.
  std::array<std::uint32_t, kMarkFamilies> set = {};
};

class MarkUses {
 public:
  MarkUses(const Ruleset &ruleset, const RuleOwners &owners);

  const MarkUse &of(OwnerIndex owner, Mark mark) const {
    return uses_[owner][static_cast<std::size_t>(mark)];
  }
  // What the owner has any business in, in either mark: tests, constants, and
  // what it is known for.
  std::uint32_t own_bits(OwnerIndex owner) const { return own_bits_[owner]; }
  // What the owner's rules write or test, or else is known for, in a mark of
  // packets that `family` can see.
  std::uint32_t claimed(OwnerIndex owner, Mark mark, Family family) const;

 private:
  MarkUse &of(OwnerIndex owner, Mark mark) { return uses_[owner][static_cast<std::size_t>(mark)]; }
  void add(OwnerIndex owner, Family family, const Rule &rule);
  void add(OwnerIndex owner, const PolicyRule &rule);

  const RuleOwners &owners_;
  std::vector<std::array<MarkUse, 2>> uses_;
  std::vector<std::uint32_t> own_bits_;
};

// The indices below kMarkFamilies that `family` belongs to, as bits.
constexpr unsigned families_of(Family family) {
  if (family == Family::kIpv4) return 1;
  return family == Family::kIpv6 ? 2 : 3;
}

}  // namespace connmark
