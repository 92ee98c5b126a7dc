// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/owners/owner_names.h"

#include <algorithm>

#include "command/output/number_text.h"

namespace connmark {

std::string owner_names(const Analysis &analysis, const std::vector<OwnerIndex> &owners) {
  constexpr std::size_t kShown = 4;
  const std::size_t shown = owners.size() > kShown ? kShown - 1 : owners.size();
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == owners.size() ? " and " : ", ";
    text += analysis.owner_name(owners[i]);
  }
  if (shown < owners.size()) text += " and " + std::to_string(owners.size() - shown) + " others";
  return text;
}

std::string bits_text(std::uint32_t bits, Mark mark) {
  return bit_ranges(bits) + " (" + hex(bits) + ") of the " + owner(mark) + "'s mark";
}

bool share_on_purpose(const Analysis &analysis, OwnerIndex left, OwnerIndex right) {
  const auto shares = [&analysis](OwnerIndex owner, OwnerIndex with) {
    return std::ranges::find(analysis.facts(owner).shares_with, analysis.owner_name(with)) !=
           analysis.facts(owner).shares_with.end();
  };
  return shares(left, right) || shares(right, left);
}

}  // namespace connmark
