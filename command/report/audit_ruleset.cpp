// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/audit_ruleset.h"

namespace connmark {

AuditedRuleset::AuditedRuleset(Ruleset ruleset, const std::vector<Owner> &known)
    : ruleset_(std::move(ruleset)),
      owners_(find_owners(ruleset_, known)),
      paths_(ruleset_),
      uses_(ruleset_, owners_),
      pairs_(decide_pairs(ruleset_, owners_)),
      analysis_{ruleset_, owners_, paths_, uses_, pairs_} {
  Findings findings;
  find_overwritten_bits(analysis_, findings);
  find_shared_bits(analysis_, findings);
  find_match_faults(analysis_, findings);
  find_place_faults(analysis_, findings);
  find_routing_faults(analysis_, findings);
  find_translation_faults(analysis_, findings);
  findings_ = findings.take();
}

}  // namespace connmark
