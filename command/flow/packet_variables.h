// SPDX-License-Identifier: GPL-2.0-or-later
//
// The variables in which two runs of one packet are described: the one run as it is, the
// other without somebody's mark writes.  Everything but the marks is common to both.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/flow/attribute_values.h"
#include "command/flow/decision_diagram.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

inline constexpr std::size_t kRuns = 2;
using OfRuns = std::array<Condition, kRuns>;

// The bits of both marks that anything looks at, or that are copied to such bits.
struct RelevantBits {
  std::array<std::uint32_t, 2> of_mark = {};  // indexed by Mark

  std::uint32_t of(Mark mark) const { return of_mark[static_cast<std::size_t>(mark)]; }
  bool operator==(const RelevantBits &) const = default;
};

// At which of a packet's addresses a match looks: nat may change them on the way.
enum class NatStage : std::uint8_t { kBefore, kBetween, kBehind };

// What addresses and ports do.
enum class Addresses : std::uint8_t {
  kStay,           // those of a connection, which replies have the other way round
  kAreTranslated,  // the same, but nat changes them on the way
  kAreAnew,        // with each packet
};

// What is known of a packet at some place on its way, apart from its marks.
struct PacketView {
  bool is_reply = false;
  bool has_in_interface = false;
  bool has_out_interface = false;
  bool is_looped = false;  // its interface is lo
  NatStage stage = NatStage::kBefore;
  OfRuns has_connection;
  OfRuns is_untracked;
};

// A choice among numbered values.
class Choice {
 public:
  Choice() = default;
  Choice(Variable first, std::size_t values);

  // How many variables it takes.
  static Variable width(std::size_t values);
  Condition is_one_of(const std::vector<bool> &values, DecisionDiagram &diagram) const;
  Condition is_valid(DecisionDiagram &diagram) const;
  std::size_t value_in(const Assignment &assignment) const;

 private:
  Condition build(const std::vector<bool> &values, std::size_t first, Variable depth,
                  DecisionDiagram &diagram) const;

  Variable first_ = 0;
  std::size_t values_ = 1;
};

class PacketVariables {
 public:
  // For packets of `family`, kIpv4 or kIpv6, and what the `matches` can tell apart.  `orders`
  // names the choices of an order, and among how many.  Of the connection's mark only the bits of
  // `differing` can differ between the runs.  At most `limit` nodes.
  PacketVariables(Family family, const std::vector<const Match *> &matches,
                  const std::map<std::vector<ChainIndex>, std::size_t> &orders, Addresses addresses,
                  const RelevantBits &bits, std::uint32_t differing, std::size_t limit);

  DecisionDiagram &diagram() { return diagram_; }
  const RelevantBits &bits() const { return bits_; }

  Condition start_bit(int bit) { return mark_variable(bit, kStart); }
  Condition connection_bit(int bit, std::size_t run) {
    return mark_variable(bit, run_of(bit, run));
  }
  Condition next_connection_bit(int bit, std::size_t run) {
    return mark_variable(bit, kNext + run_of(bit, run));
  }
  bool can_differ(int bit) const { return (differing_ >> bit & 1) != 0; }

  // Of the connection before the packet: it has had a reply, is confirmed, was expected by
  // another one whose mark it began with.
  Condition is_replied() { return diagram_.variable(replied_); }
  Condition is_confirmed() { return diagram_.variable(replied_ + 1); }
  Condition is_expected() { return diagram_.variable(replied_ + 2); }
  Condition is_replied_next() { return diagram_.variable(replied_ + 3); }
  Condition is_confirmed_next() { return diagram_.variable(replied_ + 4); }
  Condition is_expected_next() { return diagram_.variable(replied_ + 5); }

  // Of the packet: it is an ICMP error that quotes the connection; conntrack finds it invalid,
  // or leaves it alone, as it does with neighbour discovery.
  Condition is_icmp_error() { return diagram_.variable(special_); }
  Condition is_invalid() { return diagram_.variable(special_ + 1); }
  Condition is_never_tracked() { return diagram_.variable(special_ + 2); }

  // Whether the packet passes, in each run; `rule` and `match` name the occurrence.
  OfRuns passes(const Match &match, const PacketView &view);
  // Free to be either, and each time another one; the same in both runs.
  Condition free();
  // How many times free() has been called; to be repeated in the same order.
  Variable free_count() const { return free_; }
  void forget_free() { free_ = 0; }
  static constexpr bool is_free(Variable variable) { return variable < kFree; }

  // Of what has no order among itself the turn that each has, from 0: the same for every packet.
  const std::vector<Choice> &turns_of(const std::vector<ChainIndex> &name) const {
    return turns_.at(name);
  }

  // Holds for possible packets and connections alone.
  Condition possible() const { return possible_; }

  // For the image of a set of connections under a packet: all but what the next packet
  // finds, and what that is to become.
  const VariableSet &passing() const { return passing_; }
  const VariableSet &next() const { return next_; }
  static constexpr Variable kNextDistance = 2;
  static constexpr Variable kNextStateDistance = 3;
  const VariableSet &next_state() const { return next_state_; }
  // What tells one connection from another, apart from its mark.
  const VariableSet &of_connection() const { return of_connection_; }

  // Whether `variable` tells connections apart before the packet, and which one says the same
  // behind it.
  bool is_state(Variable variable) const;
  Variable next_of(Variable variable) const;

  // Each word of stable other matches, and whether it holds.
  std::vector<std::pair<std::string, bool>> words_in(const Assignment &example) const;
  // The packet's concrete value in an example; nothing where it has none.
  std::optional<AttributeValue> value(Attribute attribute, const PacketView &view,
                                      const Assignment &example) const;

 private:
  static constexpr unsigned kNext = 2;
  static constexpr unsigned kStart = 4;
  static constexpr unsigned kVariablesOfBit = 5;
  static constexpr Variable kFree = 4096;
  enum Kind : std::uint8_t { kInterfaces, kProtocols, kAddresses, kPorts, kKinds };

  unsigned run_of(int bit, std::size_t run) const {
    return can_differ(bit) ? static_cast<unsigned>(run) : 0;
  }
  Condition mark_variable(int bit, unsigned which);
  static Kind kind_of(Attribute attribute);
  std::size_t end_of(Attribute attribute, const PacketView &view) const;
  // Nothing where the packet has no such attribute at this place.
  const Choice *choice_of(Attribute attribute, const PacketView &view) const;
  Condition of_value(const Match &match, const PacketView &view);
  Condition of_state(const Match &match, const PacketView &view, std::size_t run);

  const Family family_;
  const Addresses addresses_kind_;
  const RelevantBits bits_;
  const std::uint32_t differing_;
  DecisionDiagram diagram_;
  std::array<std::vector<AttributeValue>, kKinds> values_;
  Condition possible_ = Condition::always();
  Variable special_ = 0;
  Choice in_interface_, out_interface_, protocol_;
  // [end of the connection, or with nat (direction, stage, source or destination)]
  std::vector<Choice> addresses_, ports_;
  std::map<std::string, Variable> words_;
  std::map<std::vector<ChainIndex>, std::vector<Choice>> turns_;
  Variable first_of_connection_ = 0;
  Variable replied_ = 0;
  Variable first_mark_ = 0;
  std::array<std::uint8_t, 32> place_of_bit_ = {};  // among the relevant ones
  Variable free_ = 0;
  VariableSet passing_, next_, next_state_, of_connection_;
};

}  // namespace connmark
