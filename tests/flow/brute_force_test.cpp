// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/brute_force.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>

namespace connmark::test {
namespace {

TEST(BruteForceTest, DecidesRandomRulesets) {
  const std::uint64_t seed = random_seed();
  std::cout << "seed " << seed << "\n";
  RandomRules random(seed);
  for (const Variety variety : {Variety::kPlain, Variety::kMixed, Variety::kUnknown}) {
    std::map<Decision, int> counts;
    int incomplete = 0, split = 0;
    for (int i = 0; i < 300; ++i) {
      const OwnedRuleset set = random_ruleset(random, variety);
      const Decisions decisions = decide_by_brute_force(set.ruleset, set.owners, kRandomBits);
      if (!decisions.is_complete) ++incomplete;
      for (int a = 0; a < decisions.owners; ++a)
        for (int b = 0; b < decisions.owners; ++b)
          if (a != b) {
            ++counts[decisions.of(a, b).decision];
            split += decisions.of(a, b).decision != decisions.of(a, b).while_alike;
          }
    }
    std::cout << counts[Decision::kApart] << " " << counts[Decision::kKeptAway] << " "
              << counts[Decision::kWitness] << " incomplete " << incomplete << " split " << split
              << "\n";
  }
}

}  // namespace
}  // namespace connmark::test
