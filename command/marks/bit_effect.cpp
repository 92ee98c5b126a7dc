// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/bit_effect.h"

#include <algorithm>

namespace connmark {
namespace {

constexpr std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

}  // namespace

BitEffects bit_effects(const MarkRule &rule) {
  const bool writes_connection = written_mark(rule) == Mark::kConnection;
  const auto result = [&](std::uint32_t own, std::uint32_t other) {
    const Marks before = writes_connection ? Marks{own, other} : Marks{other, own};
    const Marks after = apply(rule, before);
    return writes_connection ? after.ct : after.nf;
  };
  const std::uint32_t constant = result(0, 0);

  BitEffects effects;
  for (int to = 0; to < 32; ++to) {
    effects[static_cast<std::size_t>(to)].inverted = (constant & one(to)) != 0;
  }
  for (int from = 0; from < 32; ++from) {
    const std::uint32_t by_own = result(one(from), 0) ^ constant;
    const std::uint32_t by_other = result(0, one(from)) ^ constant;
    for (int to = 0; to < 32; ++to) {
      BitEffect &effect = effects[static_cast<std::size_t>(to)];
      if (by_own & one(to)) effect.own = from;
      if (by_other & one(to)) effect.other = from;
    }
  }
  return effects;
}

BitChange change_of(int bit, const BitEffect &effect) {
  if (effect.other >= 0) return effect.own >= 0 ? BitChange::kMixed : BitChange::kCopied;
  if (effect.own < 0) return effect.inverted ? BitChange::kSet : BitChange::kCleared;
  if (effect.own == bit) return effect.inverted ? BitChange::kFlipped : BitChange::kKept;
  return effect.inverted ? BitChange::kMovedAndFlipped : BitChange::kMoved;
}

std::vector<BitGroup> bit_groups(const BitEffects &effects) {
  std::vector<BitGroup> groups;
  for (int bit = 0; bit < 32; ++bit) {
    const BitEffect &effect = effects[static_cast<std::size_t>(bit)];
    const BitChange change = change_of(bit, effect);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [change](const BitGroup &each) { return each.change == change; });
    if (group == groups.end()) group = groups.insert(group, BitGroup{change, 0, 0});
    group->bits |= one(bit);
    const int source = effect.other >= 0 ? effect.other : effect.own;
    if (source >= 0) group->sources |= one(source);
  }
  std::sort(groups.begin(), groups.end(),
            [](const BitGroup &left, const BitGroup &right) { return left.change < right.change; });
  return groups;
}

}  // namespace connmark
