// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order of the variables decides the size of everything.  What a rule asks for the
// first time comes before all that earlier rules have asked for, so that each further rule
// adds a few nodes on top of what is there; what connections keep comes behind what is
// the packet's alone; and the bits of the same number, of both marks and both runs, are
// neighbours, since masks and copies combine just these.
#include "command/flow/packet_variables.h"

#include <algorithm>
#include <bit>
#include <set>

namespace connmark {
namespace {

constexpr std::uint32_t kIcmp = 1;
constexpr std::uint32_t kIcmpv6 = 58;
constexpr std::size_t kStages = 3;
// More values or words than these are told apart by nobody: each occurrence is free.
constexpr std::size_t kMentionsAtMost = 256;
constexpr std::size_t kWordsAtMost = 1024;
constexpr std::size_t kUnorderedAtMost = 8;

constexpr Variable kStateVariables = 6;

}  // namespace

Choice::Choice(Variable first, std::size_t values) : first_(first), values_(values) {}

Variable Choice::width(std::size_t values) {
  return static_cast<Variable>(std::bit_width(values - 1));
}

Condition Choice::build(const std::vector<bool> &values, std::size_t first, Variable depth,
                        DecisionDiagram &diagram) const {
  if (first >= values.size()) return Condition::never();
  const Variable bits = width(values_);
  if (depth == bits) return values[first] ? Condition::always() : Condition::never();
  const std::size_t half = std::size_t{1} << (bits - depth - 1);
  const Condition low = build(values, first, depth + 1, diagram);
  const Condition high = build(values, first + half, depth + 1, diagram);
  if (low == high) return low;
  return diagram.either(diagram.variable(first_ + depth), high, low);
}

Condition Choice::is_one_of(const std::vector<bool> &values, DecisionDiagram &diagram) const {
  return build(values, 0, 0, diagram);
}

Condition Choice::is_valid(DecisionDiagram &diagram) const {
  return is_one_of(std::vector<bool>(values_, true), diagram);
}

std::size_t Choice::value_in(const Assignment &assignment) const {
  std::size_t value = 0;
  for (Variable i = 0; i < width(values_); ++i) {
    const auto bit = assignment.find(first_ + i);
    value = value << 1 | static_cast<std::size_t>(bit != assignment.end() && bit->second);
  }
  return value;
}

PacketVariables::Kind PacketVariables::kind_of(Attribute attribute) {
  switch (attribute) {
    case Attribute::kInInterface:
    case Attribute::kOutInterface:
      return kInterfaces;
    case Attribute::kProtocol:
      return kProtocols;
    case Attribute::kSource:
    case Attribute::kDestination:
      return kAddresses;
    case Attribute::kSourcePort:
    case Attribute::kDestinationPort:
      return kPorts;
    default:
      return kKinds;
  }
}

PacketVariables::PacketVariables(Family family, const std::vector<const Match *> &matches,
                                 const std::map<std::vector<ChainIndex>, std::size_t> &orders,
                                 Addresses addresses, const RelevantBits &bits,
                                 std::uint32_t differing, std::size_t limit)
    : family_(family),
      addresses_kind_(addresses),
      bits_(bits),
      differing_(differing),
      diagram_(limit) {
  std::array<std::vector<const Match *>, kKinds> mentions;
  std::array<std::set<std::pair<std::string, std::uint64_t>>, kKinds> seen;
  Variable next = kFree;
  for (const Match *each : matches) {
    const Kind kind = kind_of(each->attribute);
    if (kind != kKinds) {
      const std::uint64_t range = std::uint64_t{each->from} << 32 | each->to;
      if (seen[kind].size() > kMentionsAtMost) continue;
      if (seen[kind].emplace(each->text, range).second) mentions[kind].push_back(each);
    } else if (each->attribute == Attribute::kOther && each->is_stable &&
               words_.size() < kWordsAtMost && words_.try_emplace(each->text, next).second) {
      ++next;
    }
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (mentions[kind].size() <= kMentionsAtMost)
      values_[kind] = values_for(mentions[kind], family);
  }
  const auto choice = [&](std::size_t values) {
    const Choice made(next, std::max<std::size_t>(values, 1));
    next += Choice::width(std::max<std::size_t>(values, 1));
    possible_ = diagram_.both(possible_, made.is_valid(diagram_));
    return made;
  };
  special_ = next;
  next += 3;
  in_interface_ = choice(values_[kInterfaces].size());
  out_interface_ = choice(values_[kInterfaces].size());
  const auto choose_addresses = [&](std::size_t ends) {
    for (std::size_t i = 0; i < ends; ++i) {
      addresses_.push_back(choice(values_[kAddresses].size()));
      ports_.push_back(choice(values_[kPorts].size()));
    }
  };
  if (addresses == Addresses::kAreAnew) choose_addresses(2);
  first_of_connection_ = next;
  protocol_ = choice(values_[kProtocols].size());
  if (addresses == Addresses::kStay) choose_addresses(2);
  if (addresses == Addresses::kAreTranslated) choose_addresses(4 * kStages);
  const Variable behind_connection = next;
  for (const auto &[name, count] : orders) {
    if (count > kUnorderedAtMost) throw TooLarge{};
    std::vector<Choice> &turns = turns_[name];
    for (std::size_t i = 0; i < count; ++i) turns.push_back(choice(count));
    for (std::size_t turn = 0; turn < count; ++turn) {
      std::vector<bool> is_this(count, false);
      is_this[turn] = true;
      Condition taken = Condition::never();
      for (const Choice &each : turns) {
        const Condition takes = each.is_one_of(is_this, diagram_);
        possible_ = diagram_.but_not(possible_, diagram_.both(taken, takes));
        taken = diagram_.any(taken, takes);
      }
    }
  }
  replied_ = next;
  next += kStateVariables;
  first_mark_ = next;
  for (int bit = 0; bit < 32; ++bit) {
    if ((((bits.of(Mark::kPacket) | bits.of(Mark::kConnection)) >> bit) & 1) == 0) continue;
    place_of_bit_[static_cast<std::size_t>(bit)] =
        static_cast<std::uint8_t>((next - first_mark_) / kVariablesOfBit);
    next += kVariablesOfBit;
  }

  of_connection_ = {0, std::vector<bool>(replied_ + kStateVariables / 2)};
  for (Variable i = first_of_connection_; i < behind_connection; ++i) {
    of_connection_.chosen[i] = true;
  }
  for (Variable i = 0; i < kStateVariables / 2; ++i) of_connection_.chosen[replied_ + i] = true;
  passing_ = {first_of_connection_, std::vector<bool>(next - first_of_connection_)};
  next_ = {0, std::vector<bool>(next)};
  next_state_ = next_;
  for (Variable i = 0; i < kStateVariables / 2; ++i) {
    passing_.chosen[replied_ + i - first_of_connection_] = true;
    next_state_.chosen[replied_ + kStateVariables / 2 + i] = true;
  }
  for (Variable at = first_mark_; at < next; at += kVariablesOfBit) {
    for (const Variable which : {0U, 1U, kStart}) {
      passing_.chosen[at + which - first_of_connection_] = true;
    }
    next_.chosen[at + kNext] = next_.chosen[at + kNext + 1] = true;
  }
}

Condition PacketVariables::mark_variable(int bit, unsigned which) {
  const Variable place = place_of_bit_[static_cast<std::size_t>(bit)];
  return diagram_.variable(first_mark_ + place * kVariablesOfBit + which);
}

bool PacketVariables::is_state(Variable variable) const {
  if (variable < first_of_connection_) return false;
  if (variable < first_mark_) return variable < replied_ + kStateVariables / 2;
  return (variable - first_mark_) % kVariablesOfBit < kNext;
}

Variable PacketVariables::next_of(Variable variable) const {
  if (variable < replied_) return variable;
  return variable + (variable < first_mark_ ? kNextStateDistance : kNextDistance);
}

std::vector<std::pair<std::string, bool>> PacketVariables::words_in(
    const Assignment &example) const {
  std::vector<std::pair<std::string, bool>> words;
  for (const auto &[text, variable] : words_) {
    const auto value = example.find(variable);
    words.emplace_back(text, value != example.end() && value->second);
  }
  return words;
}

Condition PacketVariables::free() {
  if (free_ == kFree) throw TooLarge{};
  return diagram_.variable(kFree - 1 - free_++);
}

std::size_t PacketVariables::end_of(Attribute attribute, const PacketView &view) const {
  const bool is_destination =
      attribute == Attribute::kDestination || attribute == Attribute::kDestinationPort;
  // A reply comes from where the first packet went.
  if (addresses_kind_ != Addresses::kAreTranslated)
    return static_cast<std::size_t>(is_destination != view.is_reply);
  return (static_cast<std::size_t>(view.stage) * 2 + static_cast<std::size_t>(view.is_reply)) * 2 +
         static_cast<std::size_t>(is_destination);
}

const Choice *PacketVariables::choice_of(Attribute attribute, const PacketView &view) const {
  switch (kind_of(attribute)) {
    case kInterfaces: {
      const bool is_in = attribute == Attribute::kInInterface;
      const bool has_one = is_in ? view.has_in_interface : view.has_out_interface;
      if (!has_one || view.is_looped) return nullptr;
      return is_in ? &in_interface_ : &out_interface_;
    }
    case kProtocols:
      return &protocol_;
    case kAddresses:
      return &addresses_[end_of(attribute, view)];
    case kPorts:
      return &ports_[end_of(attribute, view)];
    default:
      return nullptr;
  }
}

std::optional<AttributeValue> PacketVariables::value(Attribute attribute, const PacketView &view,
                                                     const Assignment &example) const {
  const Kind kind = kind_of(attribute);
  if (kind == kKinds) return std::nullopt;
  const Choice *choice = choice_of(attribute, view);
  if (choice != nullptr && !values_[kind].empty()) return values_[kind][choice->value_in(example)];
  if (kind != kInterfaces) return std::nullopt;
  const bool has_one =
      attribute == Attribute::kInInterface ? view.has_in_interface : view.has_out_interface;
  return AttributeValue{has_one && view.is_looped ? "lo" : "", 0};
}

Condition PacketVariables::of_value(const Match &match, const PacketView &view) {
  const Kind kind = kind_of(match.attribute);
  if (values_[kind].empty()) return free();
  const Choice *choice = choice_of(match.attribute, view);
  if (choice == nullptr) {
    const bool does = connmark::passes(match, *value(match.attribute, view, {}));
    return does ? Condition::always() : Condition::never();
  }
  std::vector<bool> passing;
  for (const AttributeValue &each : values_[kind]) passing.push_back(connmark::passes(match, each));
  return choice->is_one_of(passing, diagram_);
}

Condition PacketVariables::of_state(const Match &match, const PacketView &view, std::size_t run) {
  const auto has = [&](std::uint32_t state) {
    return (match.from & state) != 0 ? Condition::always() : Condition::never();
  };
  const Condition first = diagram_.either(is_expected(), has(kStateRelated), has(kStateNew));
  const Condition known = view.is_reply
                              ? has(kStateEstablished)
                              : diagram_.either(is_replied(), has(kStateEstablished), first);
  const Condition tracked = diagram_.either(is_icmp_error(), has(kStateRelated), known);
  const Condition without =
      diagram_.either(view.is_untracked[run], has(kStateUntracked), has(kStateInvalid));
  const Condition passing = diagram_.either(view.has_connection[run], tracked, without);
  return match.inverted ? diagram_.negation(passing) : passing;
}

OfRuns PacketVariables::passes(const Match &match, const PacketView &view) {
  switch (match.attribute) {
    case Attribute::kConnectionState:
      return {of_state(match, view, 0), of_state(match, view, 1)};
    case Attribute::kConnectionDirection: {
      if (((match.from == 1) == view.is_reply) == match.inverted) return {};
      return view.has_connection;
    }
    case Attribute::kIpVersion: {
      const bool does = ((match.from == 4) == (family_ == Family::kIpv4)) != match.inverted;
      const Condition all = does ? Condition::always() : Condition::never();
      return {all, all};
    }
    case Attribute::kHasConnection:
      if (!match.inverted) return view.has_connection;
      return {diagram_.negation(view.has_connection[0]), diagram_.negation(view.has_connection[1])};
    case Attribute::kOther: {
      const auto words = words_.find(match.text);
      Condition passing =
          match.is_stable && words != words_.end() ? diagram_.variable(words->second) : free();
      if (match.inverted) passing = diagram_.negation(passing);
      return {passing, passing};
    }
    default:
      break;
  }
  Condition passing = of_value(match, view);
  // The error comes from anywhere, and has a protocol and no ports of its own.
  if (match.attribute == Attribute::kProtocol) {
    const std::uint32_t icmp = family_ == Family::kIpv4 ? kIcmp : kIcmpv6;
    const bool does = (match.from == icmp) != match.inverted;
    passing =
        diagram_.either(is_icmp_error(), does ? Condition::always() : Condition::never(), passing);
  } else if (kind_of(match.attribute) == kPorts) {
    passing = diagram_.but_not(passing, is_icmp_error());
  } else if (match.attribute == Attribute::kSource) {
    passing = diagram_.either(is_icmp_error(), free(), passing);
  }
  return {passing, passing};
}

}  // namespace connmark
