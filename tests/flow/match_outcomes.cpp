// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/match_outcomes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <string>

namespace connmark::test {
namespace {

constexpr Attribute kOfPacket[] = {Attribute::kInInterface, Attribute::kOutInterface,
                                   Attribute::kSource,      Attribute::kDestination,
                                   Attribute::kSourcePort,  Attribute::kDestinationPort};

bool is_answered_by_packet(const Match &match) {
  switch (match.attribute) {
    case Attribute::kConnectionState:
    case Attribute::kConnectionDirection:
    case Attribute::kIpVersion:
    case Attribute::kHasConnection:
      return false;
    case Attribute::kOther:
      return match.is_stable;
    default:
      return true;
  }
}

using Bytes = std::array<unsigned char, 16>;

struct Prefix {
  Bytes bytes = {};
  unsigned length = 0;
  bool is_of_family = false;
};

Prefix prefix(const std::string &text, Family family) {
  Prefix result;
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  const int version = family == Family::kIpv4 ? AF_INET : AF_INET6;
  result.is_of_family = inet_pton(version, address.c_str(), result.bytes.data()) == 1;
  result.length = slash == std::string::npos
                      ? (family == Family::kIpv4 ? 32U : 128U)
                      : static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
  return result;
}

bool bit_of(const Bytes &bytes, unsigned index) {
  return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

bool holds(const Prefix &prefix, const Bytes &address) {
  if (!prefix.is_of_family) return false;
  for (unsigned i = 0; i < prefix.length; ++i) {
    if (bit_of(prefix.bytes, i) != bit_of(address, i)) return false;
  }
  return true;
}

// The neighbour of a prefix, and the prefix's both ends.
std::vector<Bytes> addresses_around(const Prefix &prefix) {
  std::vector<Bytes> result(3, prefix.bytes);
  for (unsigned i = prefix.length; i < 128; ++i) {
    result[1][i / 8] = static_cast<unsigned char>(result[1][i / 8] | 0x80 >> i % 8);
  }
  if (prefix.length > 0) {
    const unsigned last = prefix.length - 1;
    result[2][last / 8] = static_cast<unsigned char>(result[2][last / 8] ^ 0x80 >> last % 8);
  }
  return result;
}

bool names(const std::string &pattern, const std::string &name) {
  if (pattern.empty() || pattern.back() != '+') return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

using Outcomes = std::set<std::uint64_t>;
using Numbered = std::vector<std::pair<int, const Match *>>;

std::uint64_t one(int number) { return std::uint64_t{1} << number; }

Outcomes outcomes_of_names(const Numbered &matches) {
  std::vector<std::string> candidates{"another"};
  for (const auto &[number, match] : matches) {
    std::string name = match->text;
    if (!name.empty() && name.back() == '+') name.back() = '0';
    candidates.push_back(name);
  }
  Outcomes result;
  for (const std::string &candidate : candidates) {
    std::uint64_t outcome = 0;
    for (const auto &[number, match] : matches) {
      if (names(match->text, candidate)) outcome |= one(number);
    }
    result.insert(outcome);
  }
  return result;
}

Outcomes outcomes_of_addresses(const Numbered &matches, Family family) {
  std::vector<Bytes> candidates(1);
  for (const auto &[number, match] : matches) {
    for (const Bytes &each : addresses_around(prefix(match->text, family))) {
      candidates.push_back(each);
    }
  }
  Outcomes result;
  for (const Bytes &candidate : candidates) {
    std::uint64_t outcome = 0;
    for (const auto &[number, match] : matches) {
      if (holds(prefix(match->text, family), candidate)) outcome |= one(number);
    }
    result.insert(outcome);
  }
  return result;
}

Outcomes outcomes_of_ports(const Numbered &matches) {
  std::set<std::uint32_t> candidates{0, 0xffff};
  for (const auto &[number, match] : matches) {
    candidates.insert({match->from, match->to, match->from - 1, match->to + 1});
  }
  Outcomes result;
  for (const std::uint32_t candidate : candidates) {
    if (candidate > 0xffff) continue;
    std::uint64_t outcome = 0;
    for (const auto &[number, match] : matches) {
      if (match->from <= candidate && candidate <= match->to) outcome |= one(number);
    }
    result.insert(outcome);
  }
  return result;
}

Outcomes together(const Outcomes &left, const Outcomes &right) {
  Outcomes result;
  for (const std::uint64_t one_of_left : left) {
    for (const std::uint64_t one_of_right : right) result.insert(one_of_left | one_of_right);
  }
  return result;
}

}  // namespace

void MatchOutcomes::add(const Match &match, int &number) {
  if (!is_answered_by_packet(match)) return;
  Match plain = match;
  plain.inverted = false;
  const auto found = std::find(matches_.begin(), matches_.end(), plain);
  number = static_cast<int>(found - matches_.begin());
  if (found == matches_.end()) matches_.push_back(plain);
  if (matches_.size() > 63) throw std::invalid_argument("too many different matches");
}

MatchOutcomes::MatchOutcomes(const Ruleset &ruleset, Family family) {
  for (const Rule &rule : ruleset.rules) {
    std::vector<int> &numbers = numbers_.emplace_back(rule.matches.size(), -1);
    for (std::size_t i = 0; i < rule.matches.size(); ++i) add(rule.matches[i], numbers[i]);
  }
  const auto of = [&](Attribute attribute) {
    Numbered result;
    for (std::size_t i = 0; i < matches_.size(); ++i) {
      if (matches_[i].attribute == attribute)
        result.emplace_back(static_cast<int>(i), &matches_[i]);
    }
    return result;
  };
  Outcomes all{0};
  for (const Attribute attribute : kOfPacket) {
    const Numbered matches = of(attribute);
    if (matches.empty()) continue;
    const bool is_name =
        attribute == Attribute::kInInterface || attribute == Attribute::kOutInterface;
    const bool is_port =
        attribute == Attribute::kSourcePort || attribute == Attribute::kDestinationPort;
    all = together(all, is_name   ? outcomes_of_names(matches)
                        : is_port ? outcomes_of_ports(matches)
                                  : outcomes_of_addresses(matches, family));
  }
  for (const auto &[number, match] : of(Attribute::kOther)) {
    all = together(all, {0, one(number)});
  }
  const auto add_protocol = [&](std::uint64_t outcome) {
    const Outcomes outcomes = together(all, {outcome});
    if (outcomes.size() > 64) throw std::invalid_argument("matches have too many outcomes");
    by_protocol_.emplace_back(outcomes.begin(), outcomes.end());
  };
  add_protocol(0);
  for (const auto &[number, match] : of(Attribute::kProtocol)) add_protocol(one(number));
}

}  // namespace connmark::test
