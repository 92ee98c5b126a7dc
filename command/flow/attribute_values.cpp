// SPDX-License-Identifier: GPL-2.0-or-later
//
// Protocols, ports and address prefixes are intervals of numbers: the first number of
// each piece that their ends cut out stands for the piece.
#include "command/flow/attribute_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

namespace connmark {
namespace {

// In network order, so that comparing compares the numbers; IPv4 in the first four.
using AddressBytes = std::array<unsigned char, 16>;

struct Prefix {
  AddressBytes first = {};
  unsigned length = 0;
};

AddressBytes address_of(const std::string &text) {
  AddressBytes bytes = {};
  inet_pton(text.find(':') != std::string::npos ? AF_INET6 : AF_INET, text.c_str(), bytes.data());
  return bytes;
}

std::string text_of(const AddressBytes &bytes, Family family) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  inet_ntop(family == Family::kIpv6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<Prefix> prefix_of(const std::string &text) {
  const std::size_t slash = text.find('/');
  Prefix prefix;
  prefix.first = address_of(text.substr(0, slash));
  prefix.length = text.find(':') != std::string::npos ? 128 : 32;
  if (slash != std::string::npos) {
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix.length);
  }
  return prefix;
}

bool contains(const Prefix &prefix, const AddressBytes &address) {
  for (unsigned bit = 0; bit < prefix.length; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((prefix.first[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

// The first address behind the prefix; nothing where it ends with the last address.
std::optional<AddressBytes> behind(const Prefix &prefix) {
  AddressBytes bytes = prefix.first;
  for (unsigned bit = prefix.length; bit-- > 0;) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    bytes[bit / 8] ^= mask;
    if ((bytes[bit / 8] & mask) != 0) return bytes;
  }
  return std::nullopt;
}

bool is_wildcard(std::string_view name) { return name.ends_with('+'); }

bool matches_name(std::string_view pattern, std::string_view name) {
  if (!is_wildcard(pattern)) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

std::string fresh_name(const std::string &beginning, const std::set<std::string> &taken) {
  for (int i = 0;; ++i) {
    std::string name = beginning + std::to_string(i);
    if (!taken.contains(name)) return name;
  }
}

bool starts_like_one_of(const std::string &name, const std::set<std::string> &beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](const std::string &each) { return name.starts_with(each); });
}

std::vector<AttributeValue> interfaces_for(const std::vector<const Match *> &mentions) {
  std::set<std::string> names;
  std::set<std::string> beginnings;
  for (const Match *each : mentions) {
    if (is_wildcard(each->text)) {
      beginnings.insert(each->text.substr(0, each->text.size() - 1));
    } else {
      names.insert(each->text);
    }
  }
  std::vector<AttributeValue> values;
  std::set<std::string> candidates = names;
  for (const std::string &each : beginnings) candidates.insert(fresh_name(each, names));
  std::string other = "if";
  for (char letter = 'a'; letter <= 'z' && starts_like_one_of(other, beginnings); ++letter) {
    other = std::string(1, letter) + "if";
  }
  values.push_back({fresh_name(other, names), 0});
  for (const std::string &each : candidates) {
    if (each != values.front().text) values.push_back({each, 0});
  }
  return values;
}

std::vector<AttributeValue> numbers_for(const std::vector<const Match *> &mentions,
                                        std::uint32_t last) {
  std::set<std::uint32_t> starts{0};
  for (const Match *each : mentions) {
    const bool is_range = each->attribute != Attribute::kProtocol;
    starts.insert(each->from);
    const std::uint32_t to = is_range ? each->to : each->from;
    if (to < last) starts.insert(to + 1);
  }
  std::vector<AttributeValue> values;
  for (const std::uint32_t each : starts) values.push_back({"", each});
  return values;
}

std::vector<AttributeValue> addresses_for(const std::vector<const Match *> &mentions,
                                          Family family) {
  std::set<AddressBytes> starts{AddressBytes{}};
  for (const Match *each : mentions) {
    const auto prefix = prefix_of(each->text);
    if (!prefix) continue;
    starts.insert(prefix->first);
    if (const auto end = behind(*prefix)) starts.insert(*end);
  }
  std::vector<AttributeValue> values;
  for (const AddressBytes &each : starts) values.push_back({text_of(each, family), 0});
  return values;
}

}  // namespace

bool passes(const Match &match, const AttributeValue &value) {
  bool does = false;
  switch (match.attribute) {
    case Attribute::kInInterface:
    case Attribute::kOutInterface:
      does = matches_name(match.text, value.text);
      break;
    case Attribute::kProtocol:
      does = match.from == value.number;
      break;
    case Attribute::kSource:
    case Attribute::kDestination: {
      const auto prefix = prefix_of(match.text);
      does = prefix && contains(*prefix, address_of(value.text));
      break;
    }
    case Attribute::kSourcePort:
    case Attribute::kDestinationPort:
      does = match.from <= value.number && value.number <= match.to;
      break;
    default:
      break;
  }
  return does != match.inverted;
}

std::vector<AttributeValue> values_for(const std::vector<const Match *> &mentions, Family family) {
  std::vector<AttributeValue> values;
  if (mentions.empty()) return {{}};
  switch (mentions.front()->attribute) {
    case Attribute::kInInterface:
    case Attribute::kOutInterface:
      values = interfaces_for(mentions);
      break;
    case Attribute::kProtocol:
      values = numbers_for(mentions, 255);
      break;
    case Attribute::kSourcePort:
    case Attribute::kDestinationPort:
      values = numbers_for(mentions, 65535);
      break;
    default:
      values = addresses_for(mentions, family);
  }
  const auto passed_by_none = std::ranges::find_if(values, [&](const AttributeValue &value) {
    return std::ranges::none_of(
        mentions, [&](const Match *each) { return passes(*each, value) != each->inverted; });
  });
  if (passed_by_none != values.end()) std::swap(values.front(), *passed_by_none);
  return values;
}

}  // namespace connmark
