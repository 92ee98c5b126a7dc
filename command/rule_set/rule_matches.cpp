// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/rule_set/rule_matches.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace connmark {
namespace {

constexpr std::size_t kLookBack = 16;
constexpr std::uint32_t kHighestPort = 65535;

}  // namespace

void add_match(Rule &rule, Match match) {
  const std::size_t count = std::min(rule.matches.size(), kLookBack);
  const auto begin = rule.matches.end() - static_cast<std::ptrdiff_t>(count);
  if (match.is_stable && std::find(begin, rule.matches.end(), match) != rule.matches.end()) return;
  rule.matches.push_back(std::move(match));
}

Match other_match(std::string words, bool inverted, bool is_stable) {
  return {.inverted = inverted, .is_stable = is_stable, .text = std::move(words)};
}

Match interface_match(Attribute attribute, std::string_view name, bool inverted) {
  std::string text(name);
  if (text.ends_with('*')) text.back() = '+';
  return {.attribute = attribute, .inverted = inverted, .is_stable = true, .text = std::move(text)};
}

Match protocol_match(std::uint32_t protocol, bool inverted) {
  return {.attribute = Attribute::kProtocol,
          .inverted = inverted,
          .is_stable = true,
          .from = protocol,
          .text = {}};
}

Match version_match(std::uint32_t version, bool inverted) {
  return {.attribute = Attribute::kIpVersion,
          .inverted = inverted,
          .is_stable = true,
          .from = version,
          .text = {}};
}

Match address_match(Attribute attribute, const std::uint8_t *address, std::uint32_t length,
                    bool is_ipv6, bool inverted) {
  std::array<std::uint8_t, 16> bytes = {};
  for (std::uint32_t i = 0; i < (is_ipv6 ? 128U : 32U); ++i) {
    if (i < length) bytes[i / 8] |= static_cast<std::uint8_t>(address[i / 8] & (0x80U >> i % 8));
  }
  std::array<char, INET6_ADDRSTRLEN> text = {};
  inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return {.attribute = attribute,
          .inverted = inverted,
          .is_stable = true,
          .text = std::string(text.data()) + "/" + std::to_string(length)};
}

std::optional<Match> port_match(Attribute attribute, Comparison comparison, std::uint32_t port) {
  Match match{.attribute = attribute, .is_stable = true, .from = port, .to = port, .text = {}};
  switch (comparison) {
    case Comparison::kEqual:
      break;
    case Comparison::kNotEqual:
      match.inverted = true;
      break;
    case Comparison::kLess:
      if (port == 0) return std::nullopt;
      match.from = 0;
      match.to = port - 1;
      break;
    case Comparison::kAtMost:
      match.from = 0;
      break;
    case Comparison::kMore:
      if (port >= kHighestPort) return std::nullopt;
      match.from = port + 1;
      match.to = kHighestPort;
      break;
    case Comparison::kAtLeast:
      match.to = kHighestPort;
      break;
  }
  if (port > kHighestPort || (match.from == 0 && match.to == kHighestPort)) return std::nullopt;
  return match;
}

}  // namespace connmark
