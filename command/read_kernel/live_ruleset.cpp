// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/live_ruleset.h"

#include "command/read_kernel/kernel_policy.h"
#include "command/read_kernel/legacy_tables.h"
#include "command/read_kernel/nf_tables.h"

namespace connmark {

Ruleset read_running_kernel() {
  Ruleset ruleset;
  read_legacy_tables(ruleset);
  read_nf_tables(ruleset);
  read_kernel_policy_rules(ruleset);
  read_reverse_path_filters(ruleset);
  return ruleset;
}

}  // namespace connmark
