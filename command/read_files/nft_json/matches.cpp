// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json/matches.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "command/nft/nft_selectors.h"
#include "command/read_files/nft_json/statement_text.h"
#include "command/rule_set/rule_matches.h"

namespace connmark::nft_json {
namespace {

struct Payload {
  std::string_view protocol;
  std::string_view field;
};

std::optional<Payload> payload_of(const Json &json) {
  if (only_key(json) != "payload") return std::nullopt;
  return Payload{member_text(json.front(), "protocol"), member_text(json.front(), "field")};
}

std::optional<std::uint32_t> small_number(const Json &json) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > 0xffffffff) return std::nullopt;
  return json.get<std::uint32_t>();
}

std::optional<std::uint32_t> protocol_of(const Json &json) {
  if (!json.is_string()) return small_number(json);
  return nft_protocol_number(json.get_ref<const std::string &>());
}

std::optional<Comparison> comparison_of(std::string_view op) {
  if (op == "==") return Comparison::kEqual;
  if (op == "!=") return Comparison::kNotEqual;
  if (op == "<") return Comparison::kLess;
  if (op == "<=") return Comparison::kAtMost;
  if (op == ">") return Comparison::kMore;
  if (op == ">=") return Comparison::kAtLeast;
  return std::nullopt;
}

std::optional<Match> port(Attribute attribute, std::string_view op, const Json &right) {
  const auto comparison = comparison_of(op);
  if (!comparison) return std::nullopt;
  if (const auto number = small_number(right)) return port_match(attribute, *comparison, *number);
  const bool is_equal = *comparison == Comparison::kEqual;
  if ((!is_equal && *comparison != Comparison::kNotEqual) || only_key(right) != "range" ||
      !right.front().is_array() || right.front().size() != 2) {
    return std::nullopt;
  }
  const auto from = small_number(right.front()[0]);
  const auto to = small_number(right.front()[1]);
  if (!from || !to || *to > 65535) return std::nullopt;
  return Match{.attribute = attribute,
               .inverted = !is_equal,
               .is_stable = true,
               .from = *from,
               .to = *to,
               .text = {}};
}

std::optional<Match> address(Attribute attribute, bool is_ipv6, bool inverted, const Json &right) {
  const Json *text = &right;
  std::uint32_t length = is_ipv6 ? 128 : 32;
  if (only_key(right) == "prefix" && right.front().is_object() && right.front().contains("addr") &&
      right.front().contains("len")) {
    text = &right.front()["addr"];
    const auto given = small_number(right.front()["len"]);
    if (!given || *given > length) return std::nullopt;
    length = *given;
  }
  std::array<std::uint8_t, 16> bytes = {};
  if (!text->is_string() ||
      inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text->get_ref<const std::string &>().c_str(),
                bytes.data()) != 1) {
    return std::nullopt;
  }
  return address_match(attribute, bytes.data(), length, is_ipv6, inverted);
}

std::optional<Match> of_payload(const Payload &payload, std::string_view op, const Json &right) {
  const bool is_ip = payload.protocol == "ip" || payload.protocol == "ip6";
  if (!is_ip && (payload.field == "sport" || payload.field == "dport")) {
    return port(payload.field == "sport" ? Attribute::kSourcePort : Attribute::kDestinationPort, op,
                right);
  }
  const bool inverted = op == "!=";
  if (!is_ip || (op != "==" && !inverted)) return std::nullopt;
  if (payload.field == "saddr" || payload.field == "daddr") {
    return address(payload.field == "saddr" ? Attribute::kSource : Attribute::kDestination,
                   payload.protocol == "ip6", inverted, right);
  }
  if (payload.protocol == "ip" && payload.field == "protocol") {
    if (const auto protocol = protocol_of(right)) return protocol_match(*protocol, inverted);
  }
  return std::nullopt;
}

// nft joins comparisons of both ports, and lists them as one number.
bool add_both_ports(const Json &left, std::string_view op, const Json &right, Rule &rule) {
  if (op != "==" || only_key(left) != "payload" || member_text(left.front(), "base") != "th" ||
      left.front().value("offset", Json()) != 0 || left.front().value("len", Json()) != 32) {
    return false;
  }
  const auto ports = small_number(right);
  if (!ports) return false;
  add_match(rule, *port_match(Attribute::kSourcePort, Comparison::kEqual, *ports >> 16));
  add_match(rule, *port_match(Attribute::kDestinationPort, Comparison::kEqual, *ports & 0xffff));
  return true;
}

// One name, or a list of them.
std::optional<Match> states(std::string_view op, const Json &right) {
  std::uint32_t bits = 0;
  const auto add = [&bits](const Json &name) {
    const std::uint32_t state =
        name.is_string() ? connection_state(name.get_ref<const std::string &>()) : 0;
    bits |= state;
    return state != 0;
  };
  if (!(right.is_array() ? std::ranges::all_of(right, add) : add(right))) return std::nullopt;
  const bool is_exact = op == "==" || op == "!=";
  // A packet is in one state: two of them at once it never has.
  if (is_exact && !std::has_single_bit(bits)) return std::nullopt;
  if (!is_exact && op != "in" && op != "!") return std::nullopt;
  return Match{.attribute = Attribute::kConnectionState,
               .inverted = op == "!=" || op == "!",
               .is_stable = true,
               .from = bits,
               .text = {}};
}

std::optional<Match> of_meta(std::string_view key, std::string_view op, const Json &right) {
  const bool inverted = op == "!=";
  if (op != "==" && !inverted) return std::nullopt;
  if (key == "l4proto") {
    if (const auto protocol = protocol_of(right)) return protocol_match(*protocol, inverted);
  }
  if (!right.is_string()) return std::nullopt;
  const std::string &text = right.get_ref<const std::string &>();
  if (key == "iifname" || key == "iif") {
    return interface_match(Attribute::kInInterface, text, inverted);
  }
  if (key == "oifname" || key == "oif") {
    return interface_match(Attribute::kOutInterface, text, inverted);
  }
  if ((key == "nfproto" && text == "ipv4") || (key == "protocol" && text == "ip")) {
    return version_match(4, inverted);
  }
  if ((key == "nfproto" && text == "ipv6") || (key == "protocol" && text == "ip6")) {
    return version_match(6, inverted);
  }
  return std::nullopt;
}

std::optional<Match> typed_match(const Json &left, std::string_view op, const Json &right) {
  if (const auto payload = payload_of(left)) return of_payload(*payload, op, right);
  const std::string_view name = only_key(left);
  if (name == "meta") return of_meta(member_text(left.front(), "key"), op, right);
  if (name != "ct") return std::nullopt;
  const std::string_view key = member_text(left.front(), "key");
  if (key == "state") return states(op, right);
  if (key == "direction" && (op == "==" || op == "!=") &&
      (right == "original" || right == "reply")) {
    return Match{.attribute = Attribute::kConnectionDirection,
                 .inverted = op == "!=",
                 .is_stable = true,
                 .from = right == "reply" ? 1U : 0U,
                 .text = {}};
  }
  return std::nullopt;
}

}  // namespace

void require_version(std::uint32_t version, Family family, Rule &rule) {
  if (family == Family::kIpv4 || family == Family::kIpv6) return;
  add_match(rule, version_match(version, false));
}

void add_dependencies(const Json &json, Family family, Rule &rule) {
  if (const auto payload = payload_of(json)) {
    const PayloadProtocol needed = payload_protocol(payload->protocol);
    if (needed.version != 0) require_version(needed.version, family, rule);
    if (needed.protocol != 0) add_match(rule, protocol_match(needed.protocol, false));
    return;
  }
  if (!json.is_structured()) return;
  for (const Json &each : json) add_dependencies(each, family, rule);
}

void add_plain_match(const Json &match, Family family, Rule &rule) {
  const Json &left = match["left"];
  const Json &right = match["right"];
  const std::string_view op = member_text(match, "op");
  add_dependencies(left, family, rule);
  // Only TCP has such an option, and where it is asked for nft leaves the protocol
  // out of its list.
  if (only_key(left) == "tcp option" && right != (op == "!=")) {
    add_match(rule, protocol_match(IPPROTO_TCP, false));
  }
  if (add_both_ports(left, op, right, rule)) return;
  if (auto typed = typed_match(left, op, right)) return add_match(rule, std::move(*typed));
  add_match(rule, other_match(whole_match(match), op == "!=", is_stable(left)));
  const auto payload = payload_of(left);
  if (payload && payload->protocol == "ip6" && payload->field == "nexthdr" && op == "==") {
    const auto protocol = protocol_of(right);
    if (protocol && is_upper_layer(*protocol)) add_match(rule, protocol_match(*protocol, false));
  }
}

bool is_stable(const Json &expression) {
  const std::string_view name = only_key(expression);
  if (name == "numgen") return false;
  if (name == "meta") return is_stable_meta(member_text(expression.front(), "key"));
  if (name == "ct") return is_stable_ct(member_text(expression.front(), "key"));
  return !expression.is_structured() || std::ranges::all_of(expression, is_stable);
}

bool may_be_missing(const Json &expression) {
  static constexpr std::array<std::string_view, 9> kLacking = {
      "payload", "exthdr", "tcp option", "ip option", "sctp chunk", "socket", "rt", "osf", "ipsec"};
  const std::string_view name = only_key(expression);
  if (name == "meta") return may_lack_meta(member_text(expression.front(), "key"));
  if (name == "ct") return may_lack_ct(member_text(expression.front(), "key"));
  return std::ranges::find(kLacking, name) != kLacking.end();
}

}  // namespace connmark::nft_json
