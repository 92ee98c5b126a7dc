// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/saved_rules.h"

#include <algorithm>
#include <utility>

#include "command/iptables/rule_text.h"
#include "command/iptables/save_text.h"
#include "command/marks/mark_rule.h"
#include "command/refusal.h"

namespace connmark {
namespace {

bool writes_marks(const RuleSyntax &syntax) {
  const RulePart *const target = syntax.target_part();
  return target != nullptr && !target->is_goto &&
         (target->name == name(Target::kConnmark) || target->name == name(Target::kMark));
}

// Whether a rule that is not known whole might have such a target all the same:
// "--option -j -j MARK", where nobody knows whether the option takes an argument.
bool may_write_marks(const SaveText &text) {
  return !text.syntax().is_whole() && std::ranges::any_of(text.words(), [](const Word &word) {
    return word.text.ends_with(name(Target::kMark));
  });
}

SavedRule rule_at(const SaveText &text) {
  SavedRule rule;
  rule.line = static_cast<int>(text.line());
  rule.table = text.tables()[text.chain().table].name;
  rule.chain = text.chain().name;
  for (const Word &word : text.words()) rule.words.emplace_back(word.text);
  return rule;
}

std::string command_name(OwnOption command) {
  switch (command) {
    case OwnOption::kInsert:
      return "-I";
    case OwnOption::kReplace:
      return "-R";
    case OwnOption::kDelete:
      return "-D";
    default:
      return "-C";
  }
}

}  // namespace

SavedRules read_saved_rules(std::istream &in, const std::string &name) {
  SavedRules result;
  SaveText text(in, name);
  std::vector<std::uint32_t> table_of;  // of each rule
  for (SaveText::Item item = text.next(); item != SaveText::Item::kEnd; item = text.next()) {
    if (item == SaveText::Item::kChain) {
      result.chains.emplace_back(text.chain().name);
    } else if (writes_marks(text.syntax())) {
      result.rules.push_back(rule_at(text));
      table_of.push_back(text.chain().table);
    } else if (may_write_marks(text)) {
      text.refuse(fault_text(text.syntax()));
    }
  }
  if (text.tables().empty()) {
    throw Refusal(name + ": no table, give the text that iptables-save prints");
  }
  for (std::size_t i = 0; i < result.rules.size(); ++i) {
    result.rules[i].ipv6 = text.family_of(text.tables()[table_of[i]]) == Family::kIpv6;
  }
  return result;
}

SavedRule saved_rule(const std::vector<std::string> &words) {
  RuleText text = read_rule(words);
  if (text.command == OwnOption::kNone) {
    throw Refusal("translate: matches without a chain, begin the rule with -A CHAIN");
  }
  if (text.command != OwnOption::kAppend) {
    throw Refusal("translate: " + command_name(text.command) +
                  " is not translated, since nft counts rules otherwise; give -A CHAIN");
  }
  SavedRule rule;
  rule.line = 1;
  rule.table = text.table.value_or("filter");
  rule.chain = text.chain;
  rule.ipv6 = text.family == Family::kIpv6;
  rule.words = std::move(text.rest);
  rule.words.insert(rule.words.end(), text.target.begin(), text.target.end());
  return rule;
}

}  // namespace connmark
