// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sets of states, exactly: reduced ordered binary decision diagrams (Bryant 1986).
//
// Affine subspaces would be smaller for the rules alone, but a test that fails is a
// union of them, and so is what several chains leave behind: a proof would have to
// widen, and what is widened is no witness.  A diagram holds unions as they are, and
// for masks, copies and constants it stays small as long as bits with the same number
// are neighbours.  A library for it would bring collected garbage and a global state;
// here a whole diagram lives as long as one question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace connmark {

// A variable is its place in the order: small numbers are tested first.
using Variable = std::uint32_t;

// A function of the variables of one DecisionDiagram; equal functions are equal.
class Condition {
 public:
  constexpr Condition() = default;  // never holds
  static constexpr Condition always() { return Condition(1); }
  static constexpr Condition never() { return Condition(0); }
  constexpr bool is_always() const { return node_ == 1; }
  constexpr bool is_never() const { return node_ == 0; }
  constexpr bool operator==(const Condition &) const = default;

 private:
  friend class DecisionDiagram;
  explicit constexpr Condition(std::uint32_t node) : node_(node) {}
  std::uint32_t node_ = 0;
};

// Some of the variables.
struct VariableSet {
  Variable below = 0;        // all before this one,
  std::vector<bool> chosen;  // and of those from it on these

  bool contains(Variable variable) const {
    return variable < below || (variable < end() && chosen[variable - below]);
  }
  Variable end() const { return below + static_cast<Variable>(chosen.size()); }
};

// Thrown where a question takes more nodes or steps than it may.
struct TooLarge {};

// Values of variables; those not named may have either.
using Assignment = std::unordered_map<Variable, bool>;

class DecisionDiagram {
 public:
  // At most `limit` nodes of 16 bytes, and some eight times as many steps.
  explicit DecisionDiagram(std::size_t limit);
  // `more` nodes from now on, and the steps for them.
  void allow(std::size_t more) {
    steps_ = 0;
    limit_ = nodes_.size() + more;
  }

  Condition variable(Variable variable);
  Condition negation(Condition of) { return either(of, Condition::never(), Condition::always()); }
  Condition both(Condition left, Condition right) {
    return either(left, right, Condition::never());
  }
  Condition any(Condition left, Condition right) {
    return either(left, Condition::always(), right);
  }
  Condition differ(Condition left, Condition right) { return either(left, negation(right), right); }
  Condition same(Condition left, Condition right) { return either(left, right, negation(right)); }
  Condition but_not(Condition left, Condition right) {
    return either(right, Condition::never(), left);
  }
  // `left` where `condition` holds, else `right`.
  Condition either(Condition condition, Condition left, Condition right);

  // Whether some value of `variables` makes it hold.
  Condition some(Condition condition, const VariableSet &variables);
  // Each v of `variables` becomes v - distance.  The order of the variables that the condition
  // has must stay what it is.
  Condition renamed(Condition condition, const VariableSet &variables, Variable distance);

  // Values that make it hold; it must not be never().  Variables are false where they can be.
  Assignment example(Condition condition) const;
  bool holds(Condition condition, const Assignment &assignment) const;

  std::size_t nodes() const { return nodes_.size(); }

 private:
  struct Node {
    Variable variable;
    std::uint32_t low;   // where the variable is false
    std::uint32_t high;  // where it is true
    std::uint32_t next;  // in its row of unique_
  };
  struct Answer {
    std::uint32_t condition = 0, left = 0, right = 0, result = 0;
  };

  Variable top(std::uint32_t node) const { return nodes_[node].variable; }
  std::uint32_t node(Variable variable, std::uint32_t low, std::uint32_t high);
  std::uint32_t choose(std::uint32_t condition, std::uint32_t left, std::uint32_t right);
  std::uint32_t low(std::uint32_t of, Variable at) const {
    return nodes_[of].variable == at ? nodes_[of].low : of;
  }
  std::uint32_t high(std::uint32_t of, Variable at) const {
    return nodes_[of].variable == at ? nodes_[of].high : of;
  }
  void grow();

  using Done = std::unordered_map<std::uint32_t, std::uint32_t>;
  std::uint32_t without(std::uint32_t of, const VariableSet &variables, Done &done);
  std::uint32_t moved(std::uint32_t of, const VariableSet &variables, Variable distance,
                      Done &done);

  std::size_t limit_;
  std::size_t steps_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> unique_;  // rows of nodes by hash
  std::vector<Answer> answers_;        // of choose(), the last one for each hash
};

}  // namespace connmark
