// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iproute/policy_rule_text.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "command/iproute/routing_names.h"
#include "command/iptables/packet_matches.h"
#include "command/output/number_text.h"
#include "command/read_files/refused_input.h"
#include "command/refusal.h"
#include "command/rule_set/address_prefix.h"

namespace connmark {
namespace {

constexpr std::string_view kBlanks = " \t";
// Options with a value that are a condition, but none that Match knows.
constexpr std::array<std::string_view, 5> kOtherOptions = {"tos", "dscp", "uidrange", "tun_id",
                                                           "flowlabel"};
// And those that say nothing about the packets or where they go.
constexpr std::array<std::string_view, 3> kNoConditions = {"suppress_ifgroup", "realms", "proto"};

struct ActionWord {
  std::string_view word;
  RoutingAction action;
};
constexpr std::array kActions = {
    ActionWord{"nop", RoutingAction::kNop},
    ActionWord{"blackhole", RoutingAction::kBlackhole},
    ActionWord{"unreachable", RoutingAction::kUnreachable},
    ActionWord{"prohibit", RoutingAction::kProhibit},
};

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint32_t mark_word(const std::string &text) {
  constexpr std::size_t kLongestMark = 32;
  if (text.size() <= kLongestMark) {
    try {
      return read_mark("fwmark", text);
    } catch (const Refusal &) {
      // Refused below, in words that a terminal can show.
    }
  }
  throw Refusal("fwmark: " + in_quotes(text) + " is not a mark, give 0 to " + hex(kAllBits));
}

std::optional<std::uint8_t> ip_protocol_number(std::string_view name) {
  if (name.starts_with("ipproto-")) name.remove_prefix(8);
  if (const auto value = number<std::uint8_t>(name)) return value;
  const protoent *const named = getprotobyname(std::string(name).c_str());
  if (named == nullptr || named->p_proto < 0 || named->p_proto > 255) return std::nullopt;
  return static_cast<std::uint8_t>(named->p_proto);
}

class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) {}

  PolicyRule read() {
    const std::size_t colon = line_.find(':');
    if (line_.find_first_not_of("0123456789") != colon || colon == 0) refuse();
    if (colon == line_.npos) refuse();
    const std::string_view digits = line_.substr(0, colon);
    const auto priority = number<std::uint32_t>(digits);
    if (!priority) {
      throw Refusal("priority: " + in_quotes(digits) + " is not one, give 0 to " +
                    std::to_string(kAllBits));
    }
    rule_.priority = *priority;
    rule_.text = line_.substr(0, colon + 1);
    left_ = line_.substr(colon + 1);
    for (std::string_view word; next(word);) take(word);
    if (!has_from_) refuse();
    return std::move(rule_);
  }

 private:
  [[noreturn]] void refuse() const {
    throw Refusal(in_quotes(line_) +
                  " is not a rule, give what \"ip -j rule\" or \"ip rule\" prints");
  }

  bool next(std::string_view &word) {
    left_.remove_prefix(std::min(left_.find_first_not_of(kBlanks), left_.size()));
    if (left_.empty()) return false;
    word = left_.substr(0, left_.find_first_of(kBlanks));
    left_.remove_prefix(word.size());
    rule_.text.append(" ").append(word);
    return true;
  }

  std::string_view value() {
    std::string_view word;
    if (!next(word)) refuse();
    return word;
  }

  void add(Match match) {
    match.is_stable = match.attribute == Attribute::kOther;
    rule_.matches.push_back(std::move(match));
  }

  void other(std::string_view option, std::string_view value) {
    add({.text = std::string(option) + " " + std::string(value)});
  }

  void take(std::string_view word) {
    if (word == "not") {
      rule_.inverted = true;
    } else if (word == "from") {
      has_from_ = true;
      prefix(word, Attribute::kSource, value());
    } else if (word == "to") {
      prefix(word, Attribute::kDestination, value());
    } else if (word == "fwmark") {
      const std::string_view text = value();
      const std::size_t slash = text.find('/');
      rule_.value = mark_word(std::string(text.substr(0, slash)));
      rule_.mask = slash != text.npos ? mark_word(std::string(text.substr(slash + 1))) : kAllBits;
    } else if (word == "iif") {
      add({.attribute = Attribute::kInInterface, .text = std::string(value())});
    } else if (word == "oif") {
      add({.attribute = Attribute::kOutInterface, .text = std::string(value())});
    } else if (word == "ipproto") {
      protocol(value());
    } else if (word == "sport") {
      ports(word, Attribute::kSourcePort, value());
    } else if (word == "dport") {
      ports(word, Attribute::kDestinationPort, value());
    } else if (word == "lookup") {
      lookup(value());
    } else if (word == "suppress_prefixlength") {
      rule_.suppress_prefixlength = number<std::uint32_t>(value());
    } else if (word == "goto") {
      rule_.action = RoutingAction::kGoto;
      rule_.target = number<std::uint32_t>(value());
    } else if (word == "[unresolved]") {
      rule_.target.reset();
    } else if (std::ranges::find(kOtherOptions, word) != kOtherOptions.end()) {
      other(word, value());
    } else if (std::ranges::find(kNoConditions, word) != kNoConditions.end()) {
      value();
    } else if (const auto *const action = std::ranges::find(kActions, word, &ActionWord::word);
               action != kActions.end()) {
      rule_.action = action->action;
    } else if (word != "[detached]") {
      add({.text = std::string(word)});
    }
  }

  void prefix(std::string_view option, Attribute attribute, std::string_view text) {
    if (text == "all") return;
    if (text.starts_with("0/")) {
      add({.attribute = attribute, .text = std::string(text)});
    } else if (auto known = prefix_text(text)) {
      add({.attribute = attribute, .text = std::move(*known)});
    } else {
      other(option, text);
    }
  }

  void protocol(std::string_view name) {
    if (const auto known = ip_protocol_number(name)) {
      add({.attribute = Attribute::kProtocol, .from = *known, .to = *known, .text = {}});
    } else {
      other("ipproto", name);
    }
  }

  void ports(std::string_view option, Attribute attribute, std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto from = number<std::uint16_t>(text.substr(0, dash));
    const auto to = dash != text.npos ? number<std::uint16_t>(text.substr(dash + 1)) : from;
    if (!from || !to) return other(option, text);
    add({.attribute = attribute, .from = *from, .to = *to, .text = {}});
  }

  void lookup(std::string_view name) {
    if (name == "[l3mdev-table]") return other("lookup", name);
    rule_.table_name = name;
    rule_.table = table_number(name);
  }

  std::string_view line_;
  std::string_view left_;
  bool has_from_ = false;
  PolicyRule rule_;
};

}  // namespace

PolicyRule read_policy_rule(std::string_view line) { return LineReader(line).read(); }

void settle_prefixes(PolicyRule &rule) {
  static constexpr std::uint8_t kNoAddress[16] = {};
  for (Match &match : rule.matches) {
    if (match.attribute != Attribute::kSource && match.attribute != Attribute::kDestination) {
      continue;
    }
    if (!match.text.starts_with("0/")) continue;
    const auto length = number<std::uint32_t>(std::string_view(match.text).substr(2));
    match.text = prefix_text(rule.family == Family::kIpv6, kNoAddress,
                             static_cast<int>(std::min(length.value_or(128), 128U)));
  }
}

}  // namespace connmark
