// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/decision_diagram.h"

#include <algorithm>
#include <limits>

namespace connmark {
namespace {

constexpr Variable kLeaf = std::numeric_limits<Variable>::max();
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kStepsPerNode = 8;

std::size_t hash(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  std::uint64_t mixed = a * 0x9e3779b97f4a7c15ULL;
  mixed = (mixed ^ (mixed >> 29) ^ b) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 32) ^ c) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

}  // namespace

DecisionDiagram::DecisionDiagram(std::size_t limit) : limit_(limit) {
  nodes_ = {{kLeaf, 0, 0, kNone}, {kLeaf, 1, 1, kNone}};
  unique_.assign(std::size_t{1} << 10, kNone);
  answers_.assign(std::size_t{1} << 10, {});
}

std::uint32_t DecisionDiagram::node(Variable variable, std::uint32_t low, std::uint32_t high) {
  if (low == high) return low;
  std::size_t row = hash(variable, low, high) & (unique_.size() - 1);
  for (std::uint32_t at = unique_[row]; at != kNone; at = nodes_[at].next) {
    const Node &each = nodes_[at];
    if (each.variable == variable && each.low == low && each.high == high) return at;
  }
  if (nodes_.size() >= limit_) throw TooLarge{};
  if (nodes_.size() >= unique_.size()) {
    grow();
    row = hash(variable, low, high) & (unique_.size() - 1);
  }
  const auto made = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({variable, low, high, unique_[row]});
  unique_[row] = made;
  return made;
}

void DecisionDiagram::grow() {
  unique_.assign(unique_.size() * 4, kNone);
  for (std::uint32_t at = 2; at < nodes_.size(); ++at) {
    Node &each = nodes_[at];
    const std::size_t row = hash(each.variable, each.low, each.high) & (unique_.size() - 1);
    each.next = unique_[row];
    unique_[row] = at;
  }
  answers_.assign(unique_.size(), {});
}

Condition DecisionDiagram::variable(Variable variable) { return Condition(node(variable, 0, 1)); }

Condition DecisionDiagram::either(Condition condition, Condition left, Condition right) {
  return Condition(choose(condition.node_, left.node_, right.node_));
}

std::uint32_t DecisionDiagram::choose(std::uint32_t condition, std::uint32_t left,
                                      std::uint32_t right) {
  if (condition == 1 || left == right) return left;
  if (condition == 0) return right;
  if (left == 1 && right == 0) return condition;
  if (left == condition) left = 1;
  if (right == condition) right = 0;
  const std::size_t place = hash(condition, left, right);
  {
    const Answer &known = answers_[place & (answers_.size() - 1)];
    if (known.condition == condition && known.left == left && known.right == right) {
      return known.result;
    }
  }
  if (++steps_ > limit_ * kStepsPerNode) throw TooLarge{};
  const Variable at = std::min({top(condition), top(left), top(right)});
  const std::uint32_t if_low = choose(low(condition, at), low(left, at), low(right, at));
  const std::uint32_t if_high = choose(high(condition, at), high(left, at), high(right, at));
  const std::uint32_t result = node(at, if_low, if_high);
  answers_[place & (answers_.size() - 1)] = {condition, left, right, result};
  return result;
}

Condition DecisionDiagram::some(Condition condition, const VariableSet &variables) {
  Done done;
  return Condition(without(condition.node_, variables, done));
}

std::uint32_t DecisionDiagram::without(std::uint32_t of, const VariableSet &variables, Done &done) {
  if (top(of) >= variables.end()) return of;
  if (const auto known = done.find(of); known != done.end()) return known->second;
  const Node at = nodes_[of];
  const std::uint32_t if_low = without(at.low, variables, done);
  std::uint32_t result = 1;
  if (!variables.contains(at.variable)) {
    result = node(at.variable, if_low, without(at.high, variables, done));
  } else if (if_low != 1) {
    result = choose(if_low, 1, without(at.high, variables, done));
  }
  done.emplace(of, result);
  return result;
}

Condition DecisionDiagram::renamed(Condition condition, const VariableSet &variables,
                                   Variable distance) {
  Done done;
  return Condition(moved(condition.node_, variables, distance, done));
}

std::uint32_t DecisionDiagram::moved(std::uint32_t of, const VariableSet &variables,
                                     Variable distance, Done &done) {
  if (top(of) >= variables.end()) return of;
  if (const auto known = done.find(of); known != done.end()) return known->second;
  const Node at = nodes_[of];
  const std::uint32_t if_low = moved(at.low, variables, distance, done);
  const std::uint32_t if_high = moved(at.high, variables, distance, done);
  const Variable variable = at.variable - (variables.contains(at.variable) ? distance : 0);
  const std::uint32_t result = node(variable, if_low, if_high);
  done.emplace(of, result);
  return result;
}

Assignment DecisionDiagram::example(Condition condition) const {
  Assignment values;
  for (std::uint32_t at = condition.node_; at > 1;) {
    const Node &each = nodes_[at];
    const bool value = each.low == 0;
    values[each.variable] = value;
    at = value ? each.high : each.low;
  }
  return values;
}

bool DecisionDiagram::holds(Condition condition, const Assignment &assignment) const {
  std::uint32_t at = condition.node_;
  while (at > 1) {
    const Node &each = nodes_[at];
    const auto value = assignment.find(each.variable);
    at = value != assignment.end() && value->second ? each.high : each.low;
  }
  return at == 1;
}

}  // namespace connmark
