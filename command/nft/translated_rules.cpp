// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/translated_rules.h"

#include <algorithm>

#include "command/iptables/rule_text.h"
#include "command/iptables/rule_words.h"
#include "command/nft/nft_matches.h"
#include "command/nft/nft_rules.h"
#include "command/refusal.h"

namespace connmark {
namespace {

struct ReadRule {
  const SavedRule *saved;
  RuleText text;
};

std::vector<ReadRule> read_rules(const SavedRules &saved) {
  std::vector<ReadRule> rules;
  for (const SavedRule &each : saved.rules) {
    const std::string target = target_of(each.words);
    if (target != name(Target::kConnmark) && target != name(Target::kMark)) continue;
    try {
      rules.push_back({&each, read_rule(each.words)});
    } catch (const Refusal &refusal) {
      throw Refusal("line " + std::to_string(each.line) + ": " + refusal.what());
    }
  }
  return rules;
}

std::vector<std::optional<NftMatches>> matches_of(const std::vector<ReadRule> &rules) {
  std::vector<std::optional<NftMatches>> result(rules.size());
  for (const bool ipv6 : {false, true}) {
    std::vector<ChainAndMatches> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].saved->ipv6 != ipv6) continue;
      asked.push_back({rules[i].saved->table, rules[i].saved->chain, rules[i].text.rest});
      places.push_back(i);
    }
    auto answers = nft_matches(asked, ipv6);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(answers[i]);
  }
  return result;
}

// Hands out chain names that the rule set does not have.
class NewChains {
 public:
  explicit NewChains(const SavedRules &saved) : taken_(saved.chains) {}

  std::string next() {
    std::string name;
    do {
      name = "connmark_" + std::to_string(++count_);
    } while (std::find(taken_.begin(), taken_.end(), name) != taken_.end());
    return name;
  }

 private:
  std::vector<std::string> taken_;
  int count_ = 0;
};

std::vector<std::string> commands(const std::string &table, const std::string &chain,
                                  const NftMatches &matches, std::vector<std::string> bodies,
                                  NewChains &new_chains) {
  const std::string add_rule = "add rule " + table + " ";
  std::vector<std::string> lines;
  if (bodies.size() == 1) {
    return {add_rule + chain + " " + matches.front + "counter " + bodies[0] + matches.back};
  }
  if (matches.front.empty() && matches.back.empty()) {
    bodies[0] = "counter " + bodies[0];
    for (const std::string &body : bodies) lines.push_back(add_rule + chain + " " + body);
    return lines;
  }
  const std::string own = new_chains.next();
  lines.push_back("add chain " + table + " " + own);
  for (const std::string &body : bodies) lines.push_back(add_rule + own + " " + body);
  lines.push_back(add_rule + chain + " " + matches.front + "counter jump " + own + matches.back);
  return lines;
}

}  // namespace

std::vector<TranslatedRule> translated_rules(const SavedRules &saved, const Release &nft) {
  const std::vector<ReadRule> rules = read_rules(saved);
  const auto matches = matches_of(rules);
  NewChains new_chains(saved);
  std::vector<TranslatedRule> result;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const SavedRule &from = *rules[i].saved;
    TranslatedRule rule{
        from.line, from.table, from.chain, rule_line(from.words), true, {}, rules[i].text.warnings};
    std::vector<std::string> bodies = nft_rules(rules[i].text.rule, nft);
    if (matches[i]) {
      const std::string table = (from.ipv6 ? "ip6 " : "ip ") + from.table;
      rule.nft = commands(table, from.chain, *matches[i], std::move(bodies), new_chains);
    } else {
      rule.complete = false;
      rule.nft = std::move(bodies);
    }
    result.push_back(std::move(rule));
  }
  return result;
}

}  // namespace connmark
