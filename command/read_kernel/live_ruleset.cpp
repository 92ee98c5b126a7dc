// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/live_ruleset.h"

#include <string>

#include "command/read_files/refused_input.h"
#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/kernel_policy.h"
#include "command/read_kernel/legacy_tables.h"
#include "command/read_kernel/nf_tables.h"

namespace connmark {
namespace {

// `read` returns false where the kernel does not have the source, and throws
// where it cannot be read; the others are then looked at nevertheless.
template <typename Read>
void add_source(Ruleset &ruleset, const std::string &name, const Read &read) {
  try {
    RulesetAddition addition(ruleset);
    if (!read(ruleset)) {
      ruleset.not_looked_at.push_back({.name = name, .gap = Gap::kAbsent, .why = {}});
    }
    addition.keep();
  } catch (const AccessRefusal &refused) {
    ruleset.not_looked_at.push_back({name, Gap::kNotPermitted, refused.what()});
  } catch (const Refusal &refused) {
    ruleset.not_looked_at.push_back({name, Gap::kUnreadable, refused.what()});
  }
}

bool is_not_permitted(const Ruleset &ruleset, const std::string &name) {
  for (const Omission &each : ruleset.not_looked_at) {
    if (each.name == name) return each.gap == Gap::kNotPermitted;
  }
  return false;
}

}  // namespace

Ruleset read_running_kernel() {
  constexpr const char *kNfTables = "kernel: nf_tables";
  Ruleset ruleset;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    add_source(ruleset, legacy_source(family),
               [family](Ruleset &to) { return read_legacy_tables(family, to); });
  }
  add_source(ruleset, kNfTables, [](Ruleset &to) {
    const std::size_t inputs = to.inputs.size();
    if (!read_nf_tables(to)) return false;
    if (to.inputs.size() == inputs) to.inputs.push_back({.name = kNfTables, .is_nft = true});
    return true;
  });
  if (is_not_permitted(ruleset, kNfTables) && ruleset.chains.empty()) {
    throw AccessRefusal(
        "audit: the kernel shows rules to those with CAP_NET_ADMIN only, run it as root, or give "
        "files: --iptables, --nft, --rules");
  }
  add_source(ruleset, kPolicyRulesSource, [](Ruleset &to) {
    read_kernel_policy_rules(to);
    return true;
  });
  add_source(ruleset, kReversePathSource, [](Ruleset &to) {
    read_reverse_path_filters(to);
    return true;
  });
  return ruleset;
}

}  // namespace connmark
