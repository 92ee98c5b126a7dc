// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/nft_selectors.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "command/rule_set/ruleset.h"

namespace connmark {
namespace {

struct NamedNumber {
  std::string_view name;
  std::uint32_t number;
};

constexpr NamedNumber kProtocols[] = {
    {"icmp", IPPROTO_ICMP},    {"igmp", IPPROTO_IGMP}, {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},      {"dccp", IPPROTO_DCCP}, {"gre", IPPROTO_GRE},
    {"esp", IPPROTO_ESP},      {"ah", IPPROTO_AH},     {"ipv6-icmp", IPPROTO_ICMPV6},
    {"comp", IPPROTO_COMP},    {"sctp", IPPROTO_SCTP}, {"udplite", IPPROTO_UDPLITE},
    {"icmpv6", IPPROTO_ICMPV6}};

constexpr NamedNumber kStates[] = {{"new", kStateNew},
                                   {"established", kStateEstablished},
                                   {"related", kStateRelated},
                                   {"invalid", kStateInvalid},
                                   {"untracked", kStateUntracked}};

template <typename List>
const NamedNumber *find(const List &list, std::string_view name) {
  const auto *const found = std::ranges::find(list, name, &NamedNumber::name);
  return found != std::end(list) ? found : nullptr;
}

template <typename List>
bool has(const List &list, std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

}  // namespace

bool is_stable_meta(std::string_view key) {
  static constexpr std::array<std::string_view, 4> kChanging = {"random", "time", "day", "hour"};
  return !has(kChanging, key);
}

bool is_stable_ct(std::string_view key) { return key != "expiration"; }

bool may_lack_meta(std::string_view key) {
  static constexpr std::array<std::string_view, 7> kLacking = {
      "skuid", "skgid", "cgroup", "rtclassid", "ibrname", "obrname", "ibrpvid"};
  return has(kLacking, key);
}

bool may_lack_ct(std::string_view key) { return key != "state" && key != "mark"; }

std::optional<std::uint32_t> nft_protocol_number(std::string_view name) {
  if (const NamedNumber *const found = find(kProtocols, name)) return found->number;
  return std::nullopt;
}

bool is_upper_layer(std::uint32_t protocol) {
  static constexpr std::array<std::uint32_t, 6> kUpper = {
      IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE};
  return std::ranges::find(kUpper, protocol) != kUpper.end();
}

std::uint32_t connection_state(std::string_view name) {
  const NamedNumber *const found = find(kStates, name);
  return found != nullptr ? found->number : 0;
}

PayloadProtocol payload_protocol(std::string_view name) {
  if (name == "ip") return {.version = 4};
  if (name == "ip6") return {.version = 6};
  if (name == "icmp" || name == "igmp")
    return {.protocol = *nft_protocol_number(name), .version = 4};
  if (name == "icmpv6") return {.protocol = IPPROTO_ICMPV6, .version = 6};
  return {.protocol = nft_protocol_number(name).value_or(0)};
}

}  // namespace connmark
