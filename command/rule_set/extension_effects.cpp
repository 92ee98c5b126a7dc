// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/extension_effects.h"

#include <algorithm>
#include <array>

namespace connmark {
namespace {

// DNPT and SNPT are none: they rewrite the address and continue.
constexpr std::array<std::string_view, 10> kAccepting = {"ACCEPT",  "DNAT",  "MASQUERADE", "NETMAP",
                                                         "NFQUEUE", "QUEUE", "REDIRECT",   "SAME",
                                                         "SNAT",    "TPROXY"};

constexpr std::array<std::string_view, 9> kDropping = {
    "CHAOS", "DELUDE", "DROP", "ECHO", "MIRROR", "REJECT", "STEAL", "SYNPROXY", "TARPIT"};

constexpr std::array<std::string_view, 26> kUnstable = {
    "account", "cluster",   "condition", "connbytes", "connlabel", "connlimit", "cpu",
    "dscp",    "ecn",       "fuzzy",     "hashlimit", "helper",    "hl",        "limit",
    "nfacct",  "nth",       "quota",     "quota2",    "random",    "rateest",   "recent",
    "set",     "statistic", "time",      "tos",       "ttl"};

bool has(const auto &names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Verdict verdict_of_target(std::string_view target) {
  if (target == "RETURN") return Verdict::kReturn;
  if (has(kAccepting, target)) return Verdict::kAccept;
  return has(kDropping, target) ? Verdict::kDrop : Verdict::kContinue;
}

bool is_stable_match(std::string_view match) { return !has(kUnstable, match); }

}  // namespace connmark
