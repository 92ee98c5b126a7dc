// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json/rule_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "command/read_files/nft_json/matches.h"
#include "command/read_files/nft_json/statement_text.h"
#include "command/read_files/refused_input.h"
#include "command/refusal.h"
#include "command/rule_set/extension_effects.h"
#include "command/rule_set/rule_matches.h"

namespace connmark::nft_json {
namespace {

// Matches and targets of iptables that touch marks, some only with an option.
constexpr std::array<std::string_view, 4> kMarkMatches = {"mark", "connmark", "mark_m", "socket"};
constexpr std::array<std::string_view, 6> kMarkTargets = {"CONNMARK", "MARK",  "TPROXY",
                                                          "SET",      "HMARK", "mark"};

template <typename List>
bool has(const List &list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::uint32_t mark_number(const Json &json) {
  if (json.is_number_unsigned() && json.get<std::uint64_t>() <= kAllBits) {
    return json.get<std::uint32_t>();
  }
  throw Refusal("mark " + in_quotes(json.dump()) + " is out of range, give 0 to " +
                std::to_string(kAllBits));
}

// A mark in quotes, as with a name in rt_marks, may be a number nonetheless.
std::optional<std::uint32_t> number(const Json &json) {
  if (json.is_number_integer()) return mark_number(json);
  if (!json.is_string()) return std::nullopt;
  const std::string &text = json.get_ref<const std::string &>();
  std::uint32_t value = 0;
  const bool is_hex = text.starts_with("0x");
  const char *const text_end = text.data() + text.size();
  const auto [end, error] =
      std::from_chars(text.data() + (is_hex ? 2 : 0), text_end, value, is_hex ? 16 : 10);
  if (error != std::errc{} || end != text_end) return std::nullopt;
  return value;
}

struct NumberAndMask {
  std::uint32_t number = 0;
  std::uint32_t mask = kAllBits;
};

// A number, or one with the length of a prefix.
std::optional<NumberAndMask> compared_with(const Json &right) {
  if (const auto plain = number(right)) return NumberAndMask{*plain};
  if (only_key(right) != "prefix") return std::nullopt;
  const Json &prefix = right.front();
  if (!prefix.is_object() || !prefix.contains("addr") || !prefix.contains("len")) {
    return std::nullopt;
  }
  const auto value = number(prefix["addr"]);
  const auto length = number(prefix["len"]);
  if (!value || !length || *length > 32) return std::nullopt;
  return NumberAndMask{*value, *length == 0 ? 0 : kAllBits << (32 - *length)};
}

// Numbers in network order that are combined with others have no bits that
// could be named.
bool is_in_network_order(const Json &selector) {
  static constexpr std::array<std::string_view, 5> kNames = {"payload", "exthdr", "tcp option",
                                                             "ip option", "sctp chunk"};
  const std::string_view name = only_key(selector);
  return has(kNames, name) || (name == "meta" && member_text(selector.front(), "key") == "random");
}

std::string without_at(std::string_view name) {
  return std::string(name.substr(name.starts_with('@') ? 1 : 0));
}

}  // namespace

void RuleFolder::Folded::join(const Folded &other) {
  lost = lost | other.lost;
  of_connection |= other.of_connection;
  is_swapped |= other.is_swapped;
  if (other.missing.empty()) return;
  if (!missing.empty()) missing += " . ";
  missing += other.missing;
}

void RuleFolder::take(std::string_view name, const Json &value, const Json &statement) {
  static constexpr std::array<std::string_view, 10> kEnding = {
      "accept", "drop", "return",     "queue",    "reject",
      "dnat",   "snat", "masquerade", "redirect", "fwd"};
  if (name == "match") return match(value);
  if (name == "mangle") return mangle(value, statement);
  if (name == "xt") return xt(value);
  if (name == "vmap") return key_of_map(value, "vmap");
  if (name == "set" || (name == "map" && value.is_object() && value.contains("op"))) {
    return dynamic_set(name, value);
  }
  if (has(kEnding, name)) return ends(name, value);
  other_statement(name, value);
}

void RuleFolder::match(const Json &match) {
  const Json &left = member(match, "match", "left");
  const Json &right = member(match, "match", "right");
  const std::string &op = text_member(match, "match", "op");
  if (!has_mark(left)) {
    const std::size_t before = rule_.matches.size();
    add_plain_match(match, family_, rule_);
    if (rule_.matches.size() > before && rule_.matches.back().attribute == Attribute::kOther) {
      note_lookups(match);
    }
    return use(right);
  }
  add_dependencies(left, family_, rule_);
  Folded folded = fold(left);
  const auto compared = compared_with(right);
  const bool is_equality = op == "==" || op == "!=";
  const bool is_sum = op == "in" || op == "!";
  // Of a sum some of the bits are set, or none.
  const std::uint32_t mask = compared && is_equality ? compared->mask
                             : compared && is_sum    ? compared->number
                                                     : kAllBits;
  folded.value = folded.value & MarkExpression::constant(mask);
  if (folded.value.unknown_bits() != 0) {
    add_other(whole_match(match), op == "!=", is_stable(left), match);
  }
  if (folded.lost != MarkBits{} || !compared || !(is_equality || is_sum)) {
    marks_.test_with_many(folded.value, folded.lost);
    use(right);
  } else if (is_equality) {
    // The kernel is given a prefix's number as it stands: with bits behind it, it
    // is equal to nothing.
    marks_.test(folded.value, compared->number, op == "!=");
  } else {
    marks_.test(folded.value, 0, op == "in");
  }
  if (folded.of_connection) marks_.need_connection();
}

void RuleFolder::mangle(const Json &mangle, const Json &statement) {
  const Json &key = member(mangle, "mangle", "key");
  const Json &value = member(mangle, "mangle", "value");
  const auto mark = mark_of(key);
  add_dependencies(key, family_, rule_);
  add_dependencies(value, family_, rule_);
  if (!mark) return use(value);
  const Folded folded = fold(value);
  if (!folded.missing.empty()) {
    add_match(rule_, other_match(folded.missing, false, is_stable(value)));
  }
  if (folded.of_connection) marks_.need_connection();
  marks_.look_at(folded.lost);
  marks_.write(*mark, folded.value);
  if (folded.value.unknown_bits() != 0) marks_.say(nft_text(statement));
}

// A packet whose key is not in the map goes on to the next rule.
void RuleFolder::key_of_map(const Json &map, const char *word) {
  const Json &key = member(map, word, "key");
  add_dependencies(key, family_, rule_);
  const Folded folded = fold(key);
  if (!has_mark(key) || folded.value.unknown_bits() != 0) {
    add_other(whole_map(map, word), false, is_stable(key), map);
  }
  marks_.test_with_many(folded.value, folded.lost);
  if (folded.of_connection) marks_.need_connection();
}

void RuleFolder::xt(const Json &xt) {
  if (!xt.is_object()) return marks_.say("xt");
  const std::string &type = text_member(xt, "xt", "type");
  const std::string &name = text_member(xt, "xt", "name");
  const bool is_target = type == "target";
  if (is_target) {
    rule_.outcome.verdict = verdict_of_target(name);
    if (name == "NOTRACK") rule_.untracks = true;
  } else if (name != "comment") {
    // Two of the same name may have different options.
    add_match(rule_, other_match("xt " + type + " " + name, false, false));
  }
  if (is_target ? has(kMarkTargets, name) : has(kMarkMatches, name)) {
    marks_.say("xt " + type + " " + name + ", whose options nft -j does not show");
  }
}

// A set that is full ends the rule.
void RuleFolder::dynamic_set(std::string_view name, const Json &value) {
  add_dependencies(value, family_, rule_);
  use(value);
  add_match(rule_, other_match(whole_statement(name, value), false, false));
  const std::string_view set = member_text(value, name == "set" ? "set" : "map");
  changed_sets_.push_back(without_at(set));
}

void RuleFolder::ends(std::string_view name, const Json &value) {
  const bool drops = name == "drop" || name == "reject" || name == "fwd";
  // What nft does not list: a reset answers TCP only, and addresses are of one family.
  const std::string_view type = member_text(value, "type");
  if (name == "reject" && type == "tcp reset") add_match(rule_, protocol_match(6, false));
  if (name == "reject" && type == "icmp") require_version(4, family_, rule_);
  if (name == "reject" && type == "icmpv6") require_version(6, family_, rule_);
  const std::string_view family = member_text(value, "family");
  if (family == "ip") require_version(4, family_, rule_);
  if (family == "ip6") require_version(6, family_, rule_);
  use(value);
  rule_.outcome = {name == "return" ? Verdict::kReturn : drops ? Verdict::kDrop : Verdict::kAccept};
}

void RuleFolder::other_statement(std::string_view name, const Json &value) {
  static constexpr std::array<std::string_view, 9> kPassing = {
      "counter",        "log",     "dup",    "last",    "ct helper",
      "ct expectation", "secmark", "tunnel", "continue"};
  use(value);
  if (name == "notrack") {
    rule_.untracks = true;
    return;
  }
  if (has(kPassing, name) || name == "ct timeout") return;
  // Limits let only some packets pass, "tproxy" those for which there is a socket,
  // "flow" those that can be offloaded, "synproxy" those that are no part of a
  // handshake.
  const bool is_stable = name == "tproxy" || name == "synproxy";
  add_match(rule_,
            other_match(std::string(name) + " " + whole_statement(name, value), false, is_stable));
  if (name == "synproxy") rule_.outcome = {Verdict::kDrop};
}

RuleFolder::Folded RuleFolder::fold(const Json &json) {
  Folded result;
  if (json.is_number_integer()) {
    result.value = MarkExpression::constant(mark_number(json));
    return result;
  }
  if (const auto value = number(json)) {
    result.value = MarkExpression::constant(*value);
    return result;
  }
  if (const auto mark = mark_of(json)) {
    result.value = marks_.now(*mark);
    result.of_connection = *mark == Mark::kConnection;
    return result;
  }
  const std::string_view name = only_key(json);
  if (!name.empty() && json.front().is_array()) {
    static constexpr std::array<std::string_view, 5> kOperators = {"&", "|", "^", "<<", ">>"};
    const auto &operands = json.front().get_ref<const std::vector<Json> &>();
    if (has(kOperators, name) && !operands.empty()) return fold_operation(name, operands);
  }
  if (name == "map" && json.front().is_object()) {
    key_of_map(json.front(), "map");
    // Whose value it is depends on the key; that has been said.
    result = fold_parts(json.front()["key"]);
    result.missing.clear();
    result.of_connection = false;
  } else {
    result = fold_parts(json);
    if (may_be_missing(json)) result.missing = whole_text(json);
    if (looks_up_by_mark(json)) result.lost = result.lost | bits_of(marks_.now(Mark::kPacket));
    result.is_swapped |= is_in_network_order(json);
  }
  result.value = MarkExpression::unknown();
  return result;
}

// All marks in `json` are lost in the result.
RuleFolder::Folded RuleFolder::fold_parts(const Json &json) {
  Folded result;
  if (const auto mark = mark_of(json)) {
    result.lost = bits_of(marks_.now(*mark));
    result.of_connection = *mark == Mark::kConnection;
    return result;
  }
  if (!json.is_structured()) return result;
  for (const Json &each : json) {
    if (!each.is_structured()) continue;
    result.join(fold_parts(each));
    if (may_be_missing(each)) result.join(Folded{.value = {}, .missing = whole_text(each)});
    if (looks_up_by_mark(each)) result.lost = result.lost | bits_of(marks_.now(Mark::kPacket));
  }
  return result;
}

RuleFolder::Folded RuleFolder::fold_operation(std::string_view name,
                                              const std::vector<Json> &operands) {
  Folded result = fold(operands[0]);
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const Folded right = fold(operands[i]);
    const MarkBits sources = bits_of(result.value) | bits_of(right.value);
    result.join(right);
    if (name == "&") {
      result.value = result.value & right.value;
    } else if (name == "|") {
      result.value = result.value | right.value;
    } else if (name == "^") {
      result.value = result.value ^ right.value;
    } else if (!right.value.is_constant()) {
      result.value = MarkExpression::unknown();
    } else {
      const std::uint32_t bits = right.value.constant_bits();
      result.value = name == "<<" ? result.value << bits : result.value >> bits;
    }
    if (result.is_swapped) result.value = MarkExpression::unknown();
    if (result.value.unknown_bits() != 0) result.lost = result.lost | sources;
  }
  return result;
}

void RuleFolder::use(const Folded &folded) {
  if (!folded.missing.empty()) add_match(rule_, other_match(folded.missing));
  if (folded.of_connection) marks_.need_connection();
  marks_.look_at(folded.lost | bits_of(folded.value));
}

void RuleFolder::use(const Json &json) {
  if (!has_mark(json)) return;
  if (only_key(json) == "map" && json.front().is_object() && json.front().contains("key")) {
    return key_of_map(json.front(), "map");
  }
  if (mark_of(json) || looks_up_by_mark(json)) return use(fold(json));
  for (const Json &each : json) use(each);
}

void RuleFolder::note_lookups(const Json &json) {
  if (json.is_string()) {
    const std::string &text = json.get_ref<const std::string &>();
    if (!text.starts_with('@')) return;
    lookups_.emplace_back(static_cast<std::uint32_t>(rule_.matches.size() - 1), text.substr(1));
    return;
  }
  if (!json.is_structured()) return;
  for (const Json &each : json) note_lookups(each);
}

void RuleFolder::add_other(std::string words, bool inverted, bool is_stable, const Json &sets_in) {
  const std::size_t before = rule_.matches.size();
  add_match(rule_, other_match(std::move(words), inverted, is_stable));
  if (rule_.matches.size() > before) note_lookups(sets_in);
}

}  // namespace connmark::nft_json
