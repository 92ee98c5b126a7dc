// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/owners/rule_owners.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"

namespace connmark {
namespace {

struct Pattern {
  std::string glob;
  std::string beginning;  // up to the first wildcard, since fnmatch() is slow
  std::size_t known = 0;
  bool named_by_user = false;
};

class Patterns {
 public:
  void add(const std::vector<std::string> &globs, std::size_t known, bool named_by_user) {
    for (const std::string &glob : globs) {
      patterns_.push_back(
          {glob, glob.substr(0, glob.find_first_of("*?[\\")), known, named_by_user});
    }
  }

  std::optional<std::size_t> find(const std::string &text) const {
    const Pattern *best = nullptr;
    if (text.empty()) return std::nullopt;
    for (const Pattern &each : patterns_) {
      if (!text.starts_with(each.beginning)) continue;
      if (best != nullptr && !is_better(each, *best)) continue;
      if (fnmatch(each.glob.c_str(), text.c_str(), 0) == 0) best = &each;
    }
    if (best == nullptr) return std::nullopt;
    return best->known;
  }

 private:
  static bool is_better(const Pattern &left, const Pattern &right) {
    if (left.named_by_user != right.named_by_user) return left.named_by_user;
    return left.glob.size() > right.glob.size();
  }

  std::vector<Pattern> patterns_;
};

std::string prefix_of(const std::string &chain) {
  const std::size_t end = chain.find_first_of("-_");
  return end == chain.npos || end == 0 ? chain : chain.substr(0, end + 1);
}

class OwnerFinder {
 public:
  OwnerFinder(const Ruleset &ruleset, const std::vector<Owner> &known)
      : ruleset_(ruleset), known_(known), index_of_known_(known.size()) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      comments_.add(known[i].comments, i, known[i].named_by_user);
      chains_.add(known[i].chains, i, known[i].named_by_user);
      tables_.add(known[i].tables, i, known[i].named_by_user);
    }
    for (const Chain &chain : ruleset.chains) {
      if (!chain.hook) ++chains_with_prefix_[prefix_of(chain.name)];
      chain_is_known_.push_back(known_by_chain(chain));
    }
  }

  RuleOwners find() {
    // Who was given bits by the user claims them without any rule.
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].named_by_user && known_[i].mask != 0) known_owner(i);
    }
    result_.of_rule.reserve(ruleset_.rules.size());
    for (const Rule &rule : ruleset_.rules) {
      result_.of_rule.push_back(is_somebodys(rule) ? owner_of(rule) : kNoOwner);
    }
    // Only now is it known which software is there.
    for (OwnerIndex i = 0; i < result_.owners.size(); ++i) {
      if (result_.owners[i].kind == OwnerKind::kKnown) software_.push_back(i);
    }
    for (std::size_t i = 0; i < ruleset_.rules.size(); ++i) {
      if (result_.of_rule[i] == kNoOwner) continue;
      const OwnerKind kind = result_.owners[result_.of_rule[i]].kind;
      if (kind == OwnerKind::kKnown) continue;
      if (const auto users = users_by_mask(ruleset_.rules[i])) {
        result_.of_rule[i] = *users;
      } else if (const auto owner = known_by_mask(ruleset_.rules[i]);
                 owner && kind == OwnerKind::kBuiltin) {
        result_.of_rule[i] = *owner;
      }
    }
    for (const PolicyRule &rule : ruleset_.policy_rules) {
      result_.of_policy_rule.push_back(owner_of(rule));
    }
    return std::move(result_);
  }

 private:
  std::optional<std::size_t> known_by_chain(const Chain &chain) const {
    if (const auto known = chains_.find(chain.name)) return known;
    return ruleset_.inputs[chain.input].is_nft ? tables_.find(chain.table) : std::nullopt;
  }

  std::optional<std::size_t> known_by_comment(const Rule &rule) const {
    if (const auto known = comments_.find(rule.comment)) return known;
    // Calico signs a rule in one comment and explains it in another.
    constexpr std::string_view kComment = "--comment ";
    if (rule.text.find(kComment) == rule.text.rfind(kComment)) return std::nullopt;
    const std::vector<std::string> words = rule_words(rule.text);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] != "--comment") continue;
      if (const auto known = comments_.find(words[i + 1])) return known;
    }
    return std::nullopt;
  }

  static bool is_somebodys(const Rule &rule) {
    return rule.touches_marks() || rule.outcome.chain != kNoChain || rule.branches != nullptr;
  }

  OwnerIndex owner_of(const Rule &rule) {
    // A rule that only ends the way of packets is nobody's claim.
    if (!rule.touches_marks() && rule.outcome.chain == kNoChain) {
      return owner_named("built-in chains", OwnerKind::kBuiltin);
    }
    if (const auto known = known_by_comment(rule)) return known_owner(*known);
    if (const auto known = chain_is_known_[rule.chain]) return known_owner(*known);
    const Chain &chain = ruleset_.chains[rule.chain];
    if (!chain.hook) return chain_owner(chain.name);
    if (rule.outcome.chain != kNoChain) {
      if (const auto known = chain_is_known_[rule.outcome.chain]) return known_owner(*known);
      return chain_owner(ruleset_.chains[rule.outcome.chain].name);
    }
    return owner_named("built-in chains", OwnerKind::kBuiltin);
  }

  OwnerIndex known_owner(std::size_t known) {
    if (!index_of_known_[known]) {
      // The user may have given one name several patterns.
      const OwnerIndex owner = owner_named(known_[known].name, OwnerKind::kKnown);
      Owner &facts = result_.owners[owner].facts;
      if (facts.name.empty()) {
        facts = known_[known];
      } else {
        facts.mask |= known_[known].mask;
      }
      index_of_known_[known] = owner;
    }
    return *index_of_known_[known];
  }

  OwnerIndex chain_owner(const std::string &chain) {
    const std::string prefix = prefix_of(chain);
    const bool is_shared = prefix != chain && chains_with_prefix_[prefix] > 1;
    return owner_named(is_shared ? prefix + "*" : chain, OwnerKind::kChains);
  }

  OwnerIndex owner_named(const std::string &name, OwnerKind kind) {
    // A chain may have the name of a known owner.
    const auto [place, is_new] =
        by_name_.try_emplace(static_cast<char>('0' + static_cast<int>(kind)) + name,
                             static_cast<OwnerIndex>(result_.owners.size()));
    if (is_new) result_.owners.push_back({.name = name, .kind = kind, .facts = {}});
    return place->second;
  }

  // A rule that chooses and copies bits of that owner's alone.
  std::optional<OwnerIndex> users_by_mask(const Rule &rule) const {
    std::uint32_t used = 0;
    for (const MarkWrite &write : rule.writes) {
      const WriteBits bits = write_bits(write);
      used |= chosen_bits(bits) | bits.copied;
    }
    for (const MarkTest &test : rule.tests) used |= tested_bits(test);
    if (used == 0) return std::nullopt;
    for (const OwnerIndex owner : software_) {
      const Owner &facts = result_.owners[owner].facts;
      if (!facts.named_by_user || facts.mask == kAllBits) continue;
      if ((used & ~facts.mask) == 0) return owner;
    }
    return std::nullopt;
  }

  std::optional<OwnerIndex> known_by_mask(const Rule &rule) const {
    for (const MarkWrite &write : rule.writes) {
      const WriteBits bits = write_bits(write);
      if (bits.copied == 0) continue;
      for (const OwnerIndex owner : software_) {
        const std::uint32_t mask = result_.owners[owner].facts.mask;
        if (mask == kAllBits) continue;
        if (bits.copied == mask && bits.other_sources == mask) return owner;
      }
    }
    return std::nullopt;
  }

  static bool fits(const PolicyRule &rule, const Owner &owner) {
    if (!owner.on_packet) return false;
    if (owner.values.empty()) return true;
    return (rule.value & rule.mask) == 0 ||
           std::ranges::find(owner.values, rule.value & rule.mask) != owner.values.end();
  }

  OwnerIndex owner_of(const PolicyRule &rule) {
    if (!rule.looks_at_mark()) return owner_named("routing rules", OwnerKind::kRouting);
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].mask == rule.mask && fits(rule, known_[i])) {
        if (rule.mask != kAllBits || !known_[i].values.empty()) return known_owner(i);
      }
    }
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (!index_of_known_[i] || known_[i].mask == kAllBits) continue;
      if ((tested_bits(rule) & ~known_[i].mask) == 0 && fits(rule, known_[i])) {
        return *index_of_known_[i];
      }
    }
    return owner_named("routing rules", OwnerKind::kRouting);
  }

  const Ruleset &ruleset_;
  const std::vector<Owner> &known_;
  Patterns comments_;
  Patterns chains_;
  Patterns tables_;
  std::vector<std::optional<std::size_t>> chain_is_known_;
  std::unordered_map<std::string, int> chains_with_prefix_;
  std::vector<std::optional<OwnerIndex>> index_of_known_;
  std::unordered_map<std::string, OwnerIndex> by_name_;
  std::vector<OwnerIndex> software_;  // of kKnown, once all rules have been seen
  RuleOwners result_;
};

}  // namespace

RuleOwners find_owners(const Ruleset &ruleset, const std::vector<Owner> &known) {
  return OwnerFinder(ruleset, known).find();
}

}  // namespace connmark
