// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which outcomes the matches of a rule set can have together: found by trying a few
// values of each attribute.
#pragma once

#include <cstdint>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark::test {

class MatchOutcomes {
 public:
  // Of packets of `family`.
  MatchOutcomes(const Ruleset &ruleset, Family family);

  // The number of a match of a rule, or -1 where its outcome does not hang on the
  // packet alone.
  int number(std::uint32_t rule, std::uint32_t match) const { return numbers_[rule][match]; }

  // For each protocol that is asked for, and one other: sets of outcomes, one bit per
  // match, which is as it stands without `inverted`.
  const std::vector<std::vector<std::uint64_t>> &by_protocol() const { return by_protocol_; }

 private:
  void add(const Match &match, int &number);

  std::vector<std::vector<int>> numbers_;
  std::vector<Match> matches_;
  std::vector<std::vector<std::uint64_t>> by_protocol_;
};

}  // namespace connmark::test
