// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/audit_ruleset.h"

namespace connmark {

AuditedRuleset::AuditedRuleset(Ruleset ruleset, const std::vector<Owner> &known, bool translations)
    : ruleset_(std::move(ruleset)),
      owners_(find_owners(ruleset_, known)),
      paths_(ruleset_),
      uses_(ruleset_, owners_),
      pairs_(decide_pairs(ruleset_, owners_)),
      analysis_{ruleset_, owners_, paths_, uses_, pairs_} {
  Findings findings;
  find_overwritten_bits(analysis_, findings);
  find_shared_bits(analysis_, findings);
  find_witnessed_harm(analysis_, findings);
  find_impossible_matches(analysis_, findings);
  find_never_written(analysis_, findings);
  find_never_read(analysis_, findings);
  find_connmark_in_raw(analysis_, findings);
  find_wiping_restores(analysis_, findings);
  find_too_late_for_routing(analysis_, findings);
  find_strict_rp_filter(analysis_, findings);
  find_shift_losses(analysis_, findings);
  if (translations) find_inexact_translations(analysis_, findings);
  find_unknown_rules(analysis_, findings);
  findings_ = findings.take();
}

}  // namespace connmark
