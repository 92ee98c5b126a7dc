// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/builtin_chains.h"

#include <algorithm>
#include <array>

namespace connmark {
namespace {

struct Table {
  std::string_view name;
  std::string_view chains;  // each followed by a space
  int priority = 0;
};

constexpr std::array kTables = {
    Table{"raw", "PREROUTING OUTPUT ", kRawPriority},
    Table{"mangle", "PREROUTING INPUT FORWARD OUTPUT POSTROUTING ", kManglePriority},
    Table{"nat", "PREROUTING OUTPUT ", kDestinationNatPriority},
    Table{"nat", "INPUT POSTROUTING ", kSourceNatPriority},
    Table{"filter", "INPUT FORWARD OUTPUT ", kFilterPriority},
    Table{"security", "INPUT FORWARD OUTPUT ", kSecurityPriority},
};

struct NamedHook {
  std::string_view name;
  Hook hook = Hook::kPrerouting;
};

constexpr std::array kHooks = {
    NamedHook{"PREROUTING", Hook::kPrerouting},   NamedHook{"INPUT", Hook::kInput},
    NamedHook{"FORWARD", Hook::kForward},         NamedHook{"OUTPUT", Hook::kOutput},
    NamedHook{"POSTROUTING", Hook::kPostrouting},
};

}  // namespace

std::optional<BuiltinChain> builtin_chain(std::string_view table, std::string_view chain) {
  const auto *const hook = std::ranges::find(kHooks, chain, &NamedHook::name);
  if (hook == kHooks.end()) return std::nullopt;
  for (const Table &each : kTables) {
    if (each.name != table || each.chains.find(chain) == std::string_view::npos) continue;
    return BuiltinChain{hook->hook, each.priority,
                        table == "mangle" && hook->hook == Hook::kOutput};
  }
  return std::nullopt;
}

}  // namespace connmark
