// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/chain_paths.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

namespace connmark {
namespace {

std::span<const Hook> hooks_of(Path path) {
  static constexpr std::array kDelivered{Hook::kIngress, Hook::kPrerouting, Hook::kInput};
  static constexpr std::array kForwarded{Hook::kIngress, Hook::kPrerouting, Hook::kForward,
                                         Hook::kPostrouting, Hook::kEgress};
  static constexpr std::array kSent{Hook::kOutput, Hook::kPostrouting, Hook::kEgress};
  switch (path) {
    case Path::kDelivered:
      return kDelivered;
    case Path::kForwarded:
      return kForwarded;
    case Path::kSent:
      break;
  }
  return kSent;
}

Callers callers_of_base(const Chain &chain) {
  Callers callers;
  callers.from_prerouting = chain.hook == Hook::kPrerouting || chain.hook == Hook::kIngress;
  callers.from_output = chain.hook == Hook::kOutput;
  const bool meets_conntrack = chain.hook == Hook::kPrerouting || chain.hook == Hook::kOutput;
  callers.before_conntrack =
      chain.hook == Hook::kIngress || (meets_conntrack && chain.priority <= kConntrackPriority);
  callers.after_conntrack = !callers.before_conntrack;
  callers.before_routing = callers.from_prerouting || chain.reroutes;
  callers.after_routing = !callers.before_routing;
  return callers;
}

// The chains that a rule may lead to.
template <typename Visitor>
void each_target(const Rule &rule, const Visitor &visitor) {
  if (rule.outcome.chain != kNoChain) visitor(rule.outcome.chain);
  if (rule.branches == nullptr) return;
  for (const Branch &branch : *rule.branches) {
    if (branch.chain != kNoChain) visitor(branch.chain);
  }
}

// In chains the same map may stand in many rules: only the first one is new.
class NewTargets {
 public:
  template <typename Visitor>
  void each(const Rule &rule, const Visitor &visitor) {
    if (rule.branches == nullptr || seen_.insert(rule.branches.get()).second) {
      each_target(rule, visitor);
    } else if (rule.outcome.chain != kNoChain) {
      visitor(rule.outcome.chain);
    }
  }

 private:
  std::unordered_set<const void *> seen_;
};

void add(Callers &callers, const Callers &more) {
  callers.before_conntrack |= more.before_conntrack;
  callers.after_conntrack |= more.after_conntrack;
  callers.before_routing |= more.before_routing;
  callers.after_routing |= more.after_routing;
  callers.from_prerouting |= more.from_prerouting;
  callers.from_output |= more.from_output;
}

void add_not_zero(KnownMarks::One &one, std::uint32_t mask) {
  for (std::uint32_t &each : one.not_zero) {
    if (each == mask) return;
    if (each == 0) {
      each = mask;
      return;
    }
  }
}

void learn_value(KnownMarks::One &one, std::uint32_t mask, std::uint32_t value) {
  one.mask |= mask;
  one.value = (one.value & ~mask) | (value & mask);
  if ((value & mask) != 0) add_not_zero(one, mask);
}

void learn_difference(KnownMarks::One &one, std::uint32_t mask, std::uint32_t value) {
  if (value == 0) add_not_zero(one, mask);
  if (std::has_single_bit(mask)) learn_value(one, mask, ~value);
}

}  // namespace

bool meet(Family left, Family right) {
  const bool left_is_one = left == Family::kIpv4 || left == Family::kIpv6;
  const bool right_is_one = right == Family::kIpv4 || right == Family::kIpv6;
  return !left_is_one || !right_is_one || left == right;
}

bool KnownMarks::One::some_bit_is_set(std::uint32_t of) const {
  if ((mask & value & of) != 0) return true;
  return std::ranges::any_of(not_zero, [of](std::uint32_t each) { return (each & of) != 0; });
}

void KnownMarks::passed(const MarkTest &test) {
  if (!test.value_known || test.mask == 0 || (test.value & ~test.mask) != 0) return;
  if (test.inverted) {
    learn_difference(of(test.mark), test.mask, test.value);
  } else {
    learn_value(of(test.mark), test.mask, test.value);
  }
}

void KnownMarks::failed(const MarkTest &test) {
  MarkTest opposite = test;
  opposite.inverted = !test.inverted;
  passed(opposite);
}

void KnownMarks::written(Mark mark, std::uint32_t bits) {
  One &one = of(mark);
  one.mask &= ~bits;
  one.value &= ~bits;
  std::array<std::uint32_t, 4> left = {};
  std::size_t count = 0;
  for (const std::uint32_t each : one.not_zero) {
    if (each != 0 && (each & bits) == 0) left[count++] = each;
  }
  one.not_zero = left;
}

void KnownMarks::meet(const KnownMarks &other) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    One &one = marks[i];
    const One &another = other.marks[i];
    one.mask &= another.mask & ~(one.value ^ another.value);
    one.value &= one.mask;
    std::array<std::uint32_t, 4> common = {};
    std::size_t count = 0;
    for (const std::uint32_t each : one.not_zero) {
      if (each != 0 && std::ranges::find(another.not_zero, each) != another.not_zero.end()) {
        common[count++] = each;
      }
    }
    one.not_zero = common;
  }
}

ChainPaths::ChainPaths(const Ruleset &ruleset) : ruleset_(ruleset) {
  sort_rules();
  sort_chains();
  find_callers();
  find_written();
  find_known();
  for (const Path path : kPaths) walk(path);
}

std::span<const RuleIndex> ChainPaths::rules_of(ChainIndex chain) const {
  return {rules_.data() + first_rule_[chain], rules_.data() + first_rule_[chain + 1]};
}

void ChainPaths::sort_rules() {
  first_rule_.assign(ruleset_.chains.size() + 1, 0);
  for (const Rule &rule : ruleset_.rules) ++first_rule_[rule.chain + 1];
  for (std::size_t i = 1; i < first_rule_.size(); ++i) first_rule_[i] += first_rule_[i - 1];
  std::vector<std::uint32_t> next(first_rule_.begin(), first_rule_.end() - 1);
  rules_.resize(ruleset_.rules.size());
  for (RuleIndex i = 0; i < ruleset_.rules.size(); ++i) rules_[next[ruleset_.rules[i].chain]++] = i;
}

void ChainPaths::sort_chains() {
  struct Visit {
    ChainIndex chain;
    std::size_t next_rule;
    std::vector<ChainIndex> targets;  // of the rule before, still to be visited
  };
  std::vector<bool> seen(ruleset_.chains.size(), false);
  NewTargets new_targets;
  std::vector<Visit> stack;
  for (ChainIndex root = 0; root < ruleset_.chains.size(); ++root) {
    if (seen[root]) continue;
    seen[root] = true;
    stack.push_back({root, 0, {}});
    while (!stack.empty()) {
      Visit &visit = stack.back();
      if (!visit.targets.empty()) {
        const ChainIndex to = visit.targets.back();
        visit.targets.pop_back();
        if (seen[to]) continue;
        seen[to] = true;
        stack.push_back({to, 0, {}});
        continue;
      }
      const auto rules = rules_of(visit.chain);
      if (visit.next_rule == rules.size()) {
        callers_first_.push_back(visit.chain);
        stack.pop_back();
        continue;
      }
      new_targets.each(ruleset_.rules[rules[visit.next_rule++]],
                       [&visit](ChainIndex to) { visit.targets.push_back(to); });
      std::ranges::reverse(visit.targets);
    }
  }
  std::ranges::reverse(callers_first_);
}

void ChainPaths::find_callers() {
  callers_.resize(ruleset_.chains.size());
  for (const ChainIndex chain : callers_first_) {
    if (ruleset_.chains[chain].hook) add(callers_[chain], callers_of_base(ruleset_.chains[chain]));
    NewTargets new_targets;
    for (const RuleIndex rule : rules_of(chain)) {
      new_targets.each(ruleset_.rules[rule], [&](ChainIndex to) {
        if (to != chain) add(callers_[to], callers_[chain]);
      });
    }
  }
}

void ChainPaths::find_written() {
  written_.resize(ruleset_.chains.size());
  for (auto chain = callers_first_.rbegin(); chain != callers_first_.rend(); ++chain) {
    auto &written = written_[*chain];
    NewTargets new_targets;
    for (const RuleIndex index : rules_of(*chain)) {
      const Rule &rule = ruleset_.rules[index];
      for (const MarkWrite &write : rule.writes) {
        written[static_cast<std::size_t>(write.mark)] |= changed_bits(write.mark, write.value);
      }
      new_targets.each(rule, [&](ChainIndex to) {
        for (std::size_t i = 0; i < written.size(); ++i) written[i] |= written_[to][i];
      });
    }
  }
}

KnownMarks ChainPaths::on_passing(const Rule &rule, KnownMarks known) {
  for (const MarkTest &test : rule.tests) known.passed(test);
  return known;
}

void ChainPaths::leave(const Rule &rule, KnownMarks &known) const {
  for (const MarkWrite &write : rule.writes) {
    known.written(write.mark, changed_bits(write.mark, write.value));
  }
  std::array<std::uint32_t, 2> written = {};
  each_target(rule, [&](ChainIndex to) {
    for (const Mark mark : {Mark::kConnection, Mark::kPacket}) {
      written[static_cast<std::size_t>(mark)] |= written_by(to, mark);
    }
  });
  for (const Mark mark : {Mark::kConnection, Mark::kPacket}) {
    known.written(mark, written[static_cast<std::size_t>(mark)]);
  }
  const bool takes_away = rule.ends_chain() || (rule.outcome.chain != kNoChain && rule.is_goto());
  if (takes_away && !rule.has_other_matches() && rule.tests.size() == 1) {
    known.failed(rule.tests.front());
  }
}

void ChainPaths::find_known() {
  known_.resize(ruleset_.chains.size());
  std::vector<bool> called(ruleset_.chains.size(), false);
  for (const ChainIndex chain : callers_first_) {
    KnownMarks known = known_[chain];
    for (const RuleIndex index : rules_of(chain)) {
      const Rule &rule = ruleset_.rules[index];
      const KnownMarks here = on_passing(rule, known);
      each_target(rule, [&](ChainIndex to) {
        if (called[to]) {
          known_[to].meet(here);
        } else if (!ruleset_.chains[to].hook) {
          known_[to] = here;
        }
        called[to] = true;
      });
      leave(rule, known);
    }
  }
}

void ChainPaths::walk(Path path) {
  std::vector<Visits> &visits = visits_[static_cast<std::size_t>(path)];
  visits.resize(ruleset_.rules.size());
  std::vector<ChainIndex> roots;
  std::uint32_t position = 0;
  std::vector<bool> seen(ruleset_.chains.size(), false);
  // Of the call that comes last.
  std::vector<std::uint32_t> last_call(ruleset_.chains.size(), 0);
  struct Visit {
    ChainIndex chain;
    std::size_t next_rule;
    std::vector<ChainIndex> targets;  // of the rule before, still to be visited
  };
  std::vector<Visit> stack;
  for (const Hook hook : hooks_of(path)) {
    roots.clear();
    for (ChainIndex i = 0; i < ruleset_.chains.size(); ++i) {
      if (ruleset_.chains[i].hook == hook) roots.push_back(i);
    }
    std::ranges::stable_sort(roots, {},
                             [this](ChainIndex chain) { return ruleset_.chains[chain].priority; });
    for (const ChainIndex root : roots) {
      if (seen[root]) continue;
      seen[root] = true;
      stack.push_back({root, 0, {}});
      while (!stack.empty()) {
        Visit &visit = stack.back();
        if (!visit.targets.empty()) {
          const ChainIndex to = visit.targets.back();
          visit.targets.pop_back();
          if (seen[to]) continue;
          seen[to] = true;
          stack.push_back({to, 0, {}});
          continue;
        }
        const auto rules = rules_of(visit.chain);
        if (visit.next_rule == rules.size()) {
          stack.pop_back();
          continue;
        }
        const RuleIndex rule = rules[visit.next_rule++];
        visits[rule].first = ++position;
        each_target(ruleset_.rules[rule], [&](ChainIndex to) {
          last_call[to] = position;
          if (!seen[to]) visit.targets.push_back(to);
        });
        std::ranges::reverse(visit.targets);
      }
    }
  }
  for (const ChainIndex chain : callers_first_) {
    for (const RuleIndex rule : rules_of(chain)) {
      Visits &each = visits[rule];
      if (!each.any()) continue;
      each.last = std::max(each.first, last_call[chain]);
      each_target(ruleset_.rules[rule],
                  [&](ChainIndex to) { last_call[to] = std::max(last_call[to], each.last); });
    }
  }
}

}  // namespace connmark
