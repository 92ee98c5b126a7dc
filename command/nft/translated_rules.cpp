// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/translated_rules.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>

#include "command/iptables/rule_text.h"
#include "command/iptables/rule_words.h"
#include "command/nft/nft_matches.h"
#include "command/nft/nft_rules.h"
#include "command/nft/nft_text.h"
#include "command/output/number_text.h"
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

std::vector<NftMatches> matches_of(const std::vector<ReadRule> &rules) {
  std::vector<Matches> asked;
  for (const ReadRule &each : rules) {
    Matches matches{each.saved->ipv6, each.saved->table, {}};
    constexpr std::ptrdiff_t kBehindChain = 2;  // -A CHAIN
    const std::vector<std::string> &words = each.text.rest;
    if (std::ssize(words) > kBehindChain) {
      matches.words.assign(words.begin() + kBehindChain, words.end());
    }
    asked.push_back(std::move(matches));
  }
  return nft_matches(asked);
}

// As "connmark_restore_ff_ff_left_4": what does the same has the same name.
std::string name_of(const MarkRule &rule) {
  const auto digits = [](std::uint32_t value) { return std::string("_").append(hex(value), 2); };
  const Operation &op = rule.op;
  std::string name = rule.target == Target::kMark ? "mark" : "connmark";
  if (op.mode == Mode::kSet) {
    name.append("_set").append(digits(op.ctmark)).append(digits(op.ctmask));
  } else {
    name += op.mode == Mode::kSave ? "_save" : "_restore";
    name += digits(op.nfmask) + digits(op.ctmask);
  }
  if (op.shift.bits == 0) return name;
  return name + (op.shift.direction == Direction::kLeft ? "_left_" : "_right_") +
         std::to_string(op.shift.bits);
}

// FNV-1a.
std::string fingerprint(const std::string &text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[24];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

// Writes the commands of one rule after the other.
class Commands {
 public:
  explicit Commands(const SavedRules &saved) : chains_(saved.chains.begin(), saved.chains.end()) {}

  // Sets the commands of `rule`, or why there are none.
  void write(const ReadRule &read, bool ipv6, const NftMatches &matches,
             std::vector<std::string> bodies, TranslatedRule &rule) {
    const auto table = NftName::of(rule.table);
    const auto chain = NftName::of(rule.chain);
    rule.reason = matches.reason;
    if (!chain) rule.reason = "the name of its chain, which is none in nft";
    if (!table) rule.reason = "the name of its table, which is none in nft";
    place_ = (ipv6 ? "ip6 " : "ip ") + rule.table + " ";
    if (rule.reason.empty() && !has_meters_to_itself(matches)) {
      rule.reason = "its matches, of which nft has two with one name";
    }
    rule.complete = rule.reason.empty();
    if (!rule.complete) {
      rule.nft = std::move(bodies);
      return;
    }
    const std::vector<std::string> fronts = fronts_of(matches, rule);
    const std::string add_rule = "add rule " + place_;
    std::string back;
    if (!matches.comment.empty()) back.append(" comment ").append(nft_comment(matches.comment));
    if (bodies.size() > 1 && matches_nothing(matches)) {
      bodies[0] = "counter " + bodies[0];
      for (const std::string &body : bodies) {
        rule.nft.push_back(add_rule + chain->text() + " " + body);
      }
      return;
    }
    std::string body = bodies[0];
    if (bodies.size() > 1) {
      const std::string own = free_name(name_of(read.text.rule));
      rule.nft.push_back("add chain " + place_ + own);
      rule.nft.push_back("flush chain " + place_ + own);
      for (const std::string &each : bodies) rule.nft.push_back(add_rule + own + " " + each);
      body = "jump " + own;
    }
    for (const std::string &front : fronts) {
      rule.nft.push_back(add_rule + chain->text() + " " + front + "counter " + body + back);
    }
  }

 private:
  static bool matches_nothing(const NftMatches &matches) {
    return matches.rules.size() == 1 && matches.rules[0].empty() && matches.comment.empty();
  }

  // A chain of this name that the rule set has already is not ours.
  std::string free_name(std::string name) const {
    while (chains_.contains(name)) name += "_";
    return name;
  }

  // nft refuses a second meter of one name.
  bool has_meters_to_itself(const NftMatches &matches) {
    std::vector<std::string> meters;
    for (const NftTokens &tokens : matches.rules) {
      for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (tokens[i].is("meter")) meters.push_back(place_ + tokens[i + 1].text);
      }
    }
    return std::ranges::all_of(
        meters, [this](const std::string &meter) { return meters_.insert(meter).second; });
  }

  // The sets are counted anew in each start of iptables-restore-translate, while
  // one that another rule looks at must not be found.
  std::vector<std::string> fronts_of(const NftMatches &matches, TranslatedRule &rule) {
    std::map<std::string, std::string> names;
    for (const NftSet &set : matches.sets) {
      std::string content = place_ + rule.chain + " " + rule.rule;
      const int use = ++uses_[content];
      content.append(" ").append(std::to_string(use));
      names[set.name.text()] = std::string("connlimit_").append(fingerprint(content));
      rule.nft.push_back("add set " + place_ + names[set.name.text()] + " " +
                         to_string(set.definition));
    }
    std::vector<std::string> fronts;
    for (NftTokens tokens : matches.rules) {
      for (std::size_t i = 1; i < tokens.size(); ++i) {
        const auto name = names.find(tokens[i].text);
        if (tokens[i - 1].is("@") && name != names.end()) tokens[i].text = name->second;
      }
      fronts.push_back(to_string(tokens) + (tokens.empty() ? "" : " "));
    }
    return fronts;
  }

  std::string place_;  // "ip mangle "
  std::set<std::string> chains_;
  std::set<std::string> meters_;
  std::map<std::string, int> uses_;
};

}  // namespace

std::vector<TranslatedRule> translated_rules(const SavedRules &saved, const Release &nft) {
  const std::vector<ReadRule> rules = read_rules(saved);
  const std::vector<NftMatches> matches = matches_of(rules);
  Commands commands(saved);
  std::vector<TranslatedRule> result;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const SavedRule &from = *rules[i].saved;
    TranslatedRule rule;
    rule.line = from.line;
    rule.table = from.table;
    rule.chain = from.chain;
    rule.rule = rule_line(from.words);
    rule.warnings = rules[i].text.warnings;
    commands.write(rules[i], from.ipv6, matches[i], nft_rules(rules[i].text.rule, nft), rule);
    result.push_back(std::move(rule));
  }
  return result;
}

}  // namespace connmark
