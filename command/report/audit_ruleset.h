// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "command/findings/finding.h"
#include "command/owners/owners.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

// A ruleset with what was found out about it.
class AuditedRuleset {
 public:
  // With `translations` also rules that iptables' own plugin translates inexactly.
  AuditedRuleset(Ruleset ruleset, const std::vector<Owner> &known, bool translations);
  AuditedRuleset(const AuditedRuleset &) = delete;
  AuditedRuleset &operator=(const AuditedRuleset &) = delete;

  const Analysis &analysis() const { return analysis_; }
  // Problems first.
  const std::vector<Finding> &findings() const { return findings_; }

 private:
  Ruleset ruleset_;
  RuleOwners owners_;
  ChainPaths paths_;
  MarkUses uses_;
  PairVerdicts pairs_;
  Analysis analysis_;
  std::vector<Finding> findings_;
};

}  // namespace connmark
