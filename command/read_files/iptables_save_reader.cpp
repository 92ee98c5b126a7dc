// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/iptables_save_reader.h"

#include <utility>
#include <vector>

#include "command/iptables/rule_meaning.h"
#include "command/iptables/save_text.h"
#include "command/read_files/refused_input.h"
#include "command/rule_set/builtin_chains.h"

namespace connmark {
namespace {

Chain chain_of(const SavedChain &saved, const std::string &table, InputIndex input) {
  Chain chain;
  chain.input = input;
  chain.table = table;
  chain.name = saved.name;
  if (const auto builtin = builtin_chain(table, saved.name)) {
    chain.hook = builtin->hook;
    chain.priority = builtin->priority;
    chain.reroutes = builtin->reroutes;
    chain.is_nat = table == "nat";
    chain.policy_drops = saved.policy == "DROP";
  }
  return chain;
}

// What only counts or logs, and asks nothing of marks, is of no effect.
bool has_effect(const Rule &rule) {
  return rule.touches_marks() || rule.untracks || rule.outcome.verdict != Verdict::kContinue;
}

void read(std::istream &in, const std::string &name, Ruleset &ruleset) {
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  const auto first_chain = static_cast<ChainIndex>(ruleset.chains.size());
  ruleset.inputs.push_back({.name = name});
  SaveText text(in, name);
  RuleMeaning meaning(text, first_chain);
  std::vector<std::uint32_t> table_of;  // of each chain from first_chain on
  std::vector<std::uint64_t> rules_of;  // likewise
  for (SaveText::Item item = text.next(); item != SaveText::Item::kEnd; item = text.next()) {
    const SavedChain &chain = text.chain();
    if (item == SaveText::Item::kChain) {
      ruleset.chains.push_back(chain_of(chain, text.tables()[chain.table].name, input));
      table_of.push_back(chain.table);
      rules_of.push_back(0);
      continue;
    }
    ++ruleset.inputs[input].rules;
    Rule rule;
    rule.chain = first_chain + chain.number;
    rule.line = text.line();
    rule.number = ++rules_of[chain.number];
    meaning.read(rule);
    if (!has_effect(rule)) continue;
    if (rule.touches_marks()) rule.text = text.rule();
    ruleset.rules.push_back(std::move(rule));
  }
  for (std::size_t i = 0; i < table_of.size(); ++i) {
    ruleset.chains[first_chain + i].family = text.family_of(text.tables()[table_of[i]]);
  }
}

}  // namespace

void read_iptables_save(std::istream &in, const std::string &name, Ruleset &ruleset) {
  RulesetAddition addition(ruleset);
  read(in, name, ruleset);
  addition.keep();
}

}  // namespace connmark
