// SPDX-License-Identifier: GPL-2.0-or-later
//
// Comparisons of anything but marks.
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

#include "command/nft/nft_selectors.h"
#include "command/read_kernel/nft/expression_reader.h"

namespace connmark::nft {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
// By bit: NF_CT_STATE_BIT() of enum ip_conntrack_info, and NF_CT_STATE_UNTRACKED_BIT.
constexpr struct {
  std::uint32_t bit;
  std::uint32_t state;
} kStates[] = {{1, kStateInvalid},
               {2, kStateEstablished},
               {4, kStateRelated},
               {8, kStateNew},
               {64, kStateUntracked}};

struct PayloadField {
  std::uint32_t offset;
  std::uint32_t size;
  const char *name;
  Field field = Field::kOther;
};

constexpr PayloadField kIpv4Fields[] = {{2, 2, "ip length"},
                                        {4, 2, "ip id"},
                                        {6, 2, "ip frag-off"},
                                        {8, 1, "ip ttl"},
                                        {9, 1, "ip protocol", Field::kProtocol},
                                        {10, 2, "ip checksum"},
                                        {12, 4, "ip saddr", Field::kSource},
                                        {16, 4, "ip daddr", Field::kDestination}};
constexpr PayloadField kIpv6Fields[] = {{4, 2, "ip6 length"},
                                        {6, 1, "ip6 nexthdr", Field::kNextHeader},
                                        {7, 1, "ip6 hoplimit"},
                                        {8, 16, "ip6 saddr", Field::kSource},
                                        {24, 16, "ip6 daddr", Field::kDestination}};
constexpr PayloadField kPortFields[] = {{0, 2, "th sport", Field::kSourcePort},
                                        {2, 2, "th dport", Field::kDestinationPort}};

std::uint32_t in_network_order(Bytes data) {
  std::uint32_t number = 0;
  for (const std::byte each : data.first(std::min(data.size(), kWord))) {
    number = number << 8 | std::to_integer<std::uint32_t>(each);
  }
  return number;
}

std::string number_text(Bytes data, bool host_order) {
  if (data.size() <= kWord) {
    return std::to_string(host_order ? word_at(data) : in_network_order(data));
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (const std::byte each : data) {
    text += kDigits[std::to_integer<unsigned>(each) >> 4];
    text += kDigits[std::to_integer<unsigned>(each) & 15];
  }
  return text;
}

Comparison comparison_of(std::uint32_t operation) {
  switch (operation) {
    case NFT_CMP_NEQ:
      return Comparison::kNotEqual;
    case NFT_CMP_LT:
      return Comparison::kLess;
    case NFT_CMP_LTE:
      return Comparison::kAtMost;
    case NFT_CMP_GT:
      return Comparison::kMore;
    case NFT_CMP_GTE:
      return Comparison::kAtLeast;
    default:
      return Comparison::kEqual;
  }
}

// nft compares the NUL of a whole name as well.
std::string interface_name(Bytes data) {
  const auto end = std::ranges::find(data, std::byte{0});
  std::string name;
  for (const std::byte each : data.first(static_cast<std::size_t>(end - data.begin()))) {
    name += static_cast<char>(each);
  }
  return end == data.end() ? name + '+' : name;
}

std::optional<Match> states(const LoadedField &field, bool inverted, Bytes data) {
  const std::uint32_t bits = word_at(std::as_bytes(std::span(field.mask)));
  const std::uint32_t wanted = word_at(data);
  // "& MASK != 0" has any of the states.
  if (field.is_masked && wanted != 0) return std::nullopt;
  Match match{.attribute = Attribute::kConnectionState,
              .inverted = inverted != field.is_masked,
              .is_stable = true,
              .text = {}};
  const std::uint32_t given = field.is_masked ? bits : wanted;
  if (!field.is_masked && !std::has_single_bit(given)) return std::nullopt;
  std::uint32_t left = given;
  for (const auto &[bit, state] : kStates) {
    if ((given & bit) == 0) continue;
    match.from |= state;
    left &= ~bit;
  }
  if (left != 0 || match.from == 0) return std::nullopt;
  return match;
}

// How many bits a prefix has; nothing where the mask is none.
std::optional<std::uint32_t> prefix_length(const LoadedField &field) {
  std::uint32_t length = 0;
  bool ended = false;
  for (std::size_t i = 0; i < std::min(field.size, field.mask.size()) * 8; ++i) {
    const bool is_set = (field.mask[i / 8] & (0x80U >> i % 8)) != 0;
    if (is_set && ended) return std::nullopt;
    ended |= !is_set;
    if (is_set) ++length;
  }
  return length;
}

std::optional<Match> address(Attribute attribute, const LoadedField &field, bool is_ipv6,
                             bool inverted, Bytes data) {
  const auto length = prefix_length(field);
  if (!length || data.size() > 16) return std::nullopt;
  std::array<std::uint8_t, 16> bytes = {};
  if (!data.empty()) std::memcpy(bytes.data(), data.data(), data.size());
  return address_match(attribute, bytes.data(), *length, is_ipv6, inverted);
}

std::optional<Match> interface_of_index(Attribute attribute, bool inverted, Bytes data) {
  char name[IFNAMSIZ] = {};
  if (if_indextoname(word_at(data), name) == nullptr) return std::nullopt;
  return interface_match(attribute, name, inverted);
}

std::optional<Match> version(std::uint32_t version, bool inverted) {
  if (version == NFPROTO_IPV4) return version_match(4, inverted);
  if (version == NFPROTO_IPV6) return version_match(6, inverted);
  return std::nullopt;
}

// What it asks of all packets; the work stays linear.
const Match *last_match(const Rule &rule, Attribute attribute) {
  constexpr std::size_t kLookBack = 16;
  const std::size_t size = rule.matches.size();
  for (std::size_t i = 1; i <= std::min(size, kLookBack); ++i) {
    const Match &match = rule.matches[size - i];
    if (match.attribute == attribute && !match.inverted) return &match;
  }
  return nullptr;
}

const PayloadField *payload_field(bool is_ipv6, bool has_ports, std::uint32_t base,
                                  std::uint32_t offset) {
  std::span<const PayloadField> fields;
  if (base == NFT_PAYLOAD_NETWORK_HEADER) {
    fields = is_ipv6 ? std::span<const PayloadField>(kIpv6Fields) : kIpv4Fields;
  } else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && has_ports) {
    fields = kPortFields;
  }
  for (const PayloadField &field : fields) {
    if (field.offset == offset) return &field;
  }
  return nullptr;
}

}  // namespace

// What the rule, or the table, limits packets to.
bool ExpressionReader::is_ipv6() const {
  if (table_.family == Family::kIpv4 || table_.family == Family::kIpv6) {
    return table_.family == Family::kIpv6;
  }
  const Match *const version = last_match(rule_, Attribute::kIpVersion);
  return version != nullptr && version->from == 6;
}

bool ExpressionReader::has_ports() const {
  static constexpr std::array<std::uint32_t, 5> kWithPorts = {
      IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE};
  const Match *const protocol = last_match(rule_, Attribute::kProtocol);
  return protocol == nullptr || std::ranges::find(kWithPorts, protocol->from) != kWithPorts.end();
}

std::string ExpressionReader::field_words(const LoadedField &field, std::uint32_t operation,
                                          Bytes data) const {
  static constexpr const char *kSigns[] = {" ", " ", " < ", " <= ", " > ", " >= "};
  std::string words = field.words;
  const Bytes mask =
      std::as_bytes(std::span(field.mask)).first(std::min<std::size_t>(field.size, 16));
  if (field.is_masked) words.append(" & ").append(number_text(mask, field.host_order));
  words += operation < std::size(kSigns) ? kSigns[operation] : " ? ";
  return words + number_text(data, field.host_order);
}

std::optional<Match> ExpressionReader::field_match(const LoadedField &field,
                                                   std::uint32_t operation, Bytes data) const {
  if (field.field == Field::kSourcePort || field.field == Field::kDestinationPort) {
    if (field.is_masked || data.size() != 2) return std::nullopt;
    return port_match(
        field.field == Field::kSourcePort ? Attribute::kSourcePort : Attribute::kDestinationPort,
        comparison_of(operation), in_network_order(data));
  }
  const bool inverted = operation == NFT_CMP_NEQ;
  if (operation != NFT_CMP_EQ && !inverted) return std::nullopt;
  if (field.field == Field::kState) return states(field, inverted, data);
  if (field.field == Field::kSource || field.field == Field::kDestination) {
    return address(field.field == Field::kSource ? Attribute::kSource : Attribute::kDestination,
                   field, is_ipv6(), inverted, data);
  }
  if (field.is_masked || data.empty()) return std::nullopt;
  switch (field.field) {
    case Field::kIn:
      return interface_match(Attribute::kInInterface, interface_name(data), inverted);
    case Field::kOut:
      return interface_match(Attribute::kOutInterface, interface_name(data), inverted);
    case Field::kInIndex:
      return interface_of_index(Attribute::kInInterface, inverted, data);
    case Field::kOutIndex:
      return interface_of_index(Attribute::kOutInterface, inverted, data);
    case Field::kProtocol:
      return protocol_match(std::to_integer<std::uint8_t>(data[0]), inverted);
    case Field::kVersion:
      return version(std::to_integer<std::uint8_t>(data[0]), inverted);
    case Field::kEtherType: {
      const std::uint32_t type = in_network_order(data);
      return version(type == kEtherTypeIpv4   ? NFPROTO_IPV4
                     : type == kEtherTypeIpv6 ? NFPROTO_IPV6
                                              : NFPROTO_UNSPEC,
                     inverted);
    }
    case Field::kDirection: {
      Match match{.attribute = Attribute::kConnectionDirection,
                  .inverted = inverted,
                  .is_stable = true,
                  .from = std::to_integer<std::uint8_t>(data[0]),
                  .text = {}};
      return match;
    }
    default:
      return std::nullopt;
  }
}

// nft joins comparisons of neighbouring fields.
void ExpressionReader::payload_matches(const LoadedField &field, std::uint32_t operation,
                                       Bytes data) {
  LoadedField rest = field;
  while (true) {
    const PayloadField *const known = payload_field(is_ipv6(), has_ports(), rest.base, rest.offset);
    const bool is_joined =
        known != nullptr && known->size < data.size() && operation == NFT_CMP_EQ && !rest.is_masked;
    LoadedField one = rest;
    one.field = known != nullptr && (known->size >= data.size() || is_joined) ? known->field
                                                                              : Field::kOther;
    if (one.field == Field::kProtocol && data.empty()) one.field = Field::kOther;
    if (is_joined) one.size = known->size;
    const Bytes part = is_joined ? data.first(known->size) : data;
    if (known != nullptr && known->size == part.size()) one.words = known->name;
    auto match = field_match(one, operation, part);
    if (!match) match = other_match(field_words(one, operation, part), operation == NFT_CMP_NEQ);
    add_match(rule_, std::move(*match));
    if (one.field == Field::kNextHeader && operation == NFT_CMP_EQ && !part.empty() &&
        !one.is_masked && is_upper_layer(std::to_integer<std::uint32_t>(part[0]))) {
      add_match(rule_, protocol_match(std::to_integer<std::uint32_t>(part[0]), false));
    }
    if (!is_joined) return;
    data = data.subspan(known->size);
    rest.offset += known->size;
    rest.size -= known->size;
    rest.words = payload_words(rest);
  }
}

// A range may come as two comparisons, and is one match.
bool ExpressionReader::match_upper_bound(std::uint32_t source, Bytes data) {
  const auto bound = std::exchange(field_bound_, std::nullopt);
  if (!bound || bound->source != source || rule_.matches.size() > bound->matches + 1) return false;
  rule_.matches.resize(std::min(rule_.matches.size(), bound->matches));
  match_range(source, false, bound->data, data);
  return true;
}

void ExpressionReader::add_protocol_of_option(std::uint32_t source, bool inverted, Bytes data) {
  if (!field_ || field_->first != source) return;
  const Field field = field_->second.field;
  const bool asks_for_it = !data.empty() && (data[0] != std::byte{0}) != inverted;
  if (field == Field::kTcpOption || (field == Field::kTcpOptionPresence && asks_for_it)) {
    add_match(rule_, protocol_match(IPPROTO_TCP, false));
  }
}

void ExpressionReader::match_field(std::uint32_t source, std::uint32_t operation, Bytes data) {
  if (!field_ || field_->first != source) {
    field_bound_.reset();
    const Register key = registers_.key(source, data.size());
    const LoadedField field{.size = data.size(), .host_order = true, .words = key.text};
    return add_match(rule_, other_match(field_words(field, operation, data),
                                        operation == NFT_CMP_NEQ, key.is_stable));
  }
  if (operation == NFT_CMP_LTE && match_upper_bound(source, data)) return;
  field_bound_.reset();
  add_protocol_of_option(source, operation == NFT_CMP_NEQ, data);
  const LoadedField &field = field_->second;
  const std::size_t before = rule_.matches.size();
  if (field.is_payload) {
    payload_matches(field, operation, data);
  } else {
    auto match = field_match(field, operation, data);
    if (!match) {
      match = other_match(field_words(field, operation, data), operation == NFT_CMP_NEQ,
                          field.is_stable);
    }
    add_match(rule_, std::move(*match));
  }
  if (operation == NFT_CMP_GTE) field_bound_ = {source, data, before};
}

void ExpressionReader::match_range(std::uint32_t source, bool inverted, Bytes from, Bytes to) {
  add_protocol_of_option(source, inverted, from);
  const bool is_field = field_ && field_->first == source;
  const LoadedField field = is_field ? field_->second : LoadedField{.host_order = true};
  const bool is_source_port = field.field == Field::kSourcePort;
  if ((is_source_port || field.field == Field::kDestinationPort) && has_ports() &&
      !field.is_masked && from.size() == 2 && to.size() == 2) {
    return add_match(
        rule_, {.attribute = is_source_port ? Attribute::kSourcePort : Attribute::kDestinationPort,
                .inverted = inverted,
                .is_stable = true,
                .from = in_network_order(from),
                .to = in_network_order(to),
                .text = {}});
  }
  const Register key = registers_.key(source, from.size());
  std::string words =
      is_field ? field_words(field, NFT_CMP_EQ, from) : key.text + " " + number_text(from, true);
  words.append("-").append(number_text(to, field.host_order));
  add_match(rule_,
            other_match(std::move(words), inverted, is_field ? field.is_stable : key.is_stable));
}

}  // namespace connmark::nft
