// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/nft/rule_text.h"

#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "command/read_kernel/xt_text.h"

namespace connmark::nft {
namespace {

std::string port_number(Bytes data) {
  return std::to_string(std::to_integer<int>(data[0]) << 8 | std::to_integer<int>(data[1]));
}

}  // namespace

std::string payload_words(const LoadedField &field) {
  return std::string("@")
      .append(std::to_string(field.base))
      .append(",")
      .append(std::to_string(field.offset))
      .append(",")
      .append(std::to_string(field.size));
}

bool RuleText::field(const LoadedField &loaded, std::uint32_t operation, Bytes data) {
  const bool inverted = operation == NFT_CMP_NEQ;
  switch (loaded.field) {
    case Field::kSourcePort:
      return port("--sport", operation, data);
    case Field::kDestinationPort:
      return port("--dport", operation, data);
    case Field::kBothPorts:
      return !inverted && data.size() == 4 && port("--sport", operation, data.first(2)) &&
             port("--dport", operation, data.last(2));
    case Field::kOther:
      return false;
    default:
      break;
  }
  if (operation != NFT_CMP_EQ && !inverted) return false;
  switch (loaded.field) {
    case Field::kIn:
      return interface(in_, "-i", inverted, data);
    case Field::kOut:
      return interface(out_, "-o", inverted, data);
    case Field::kProtocol: {
      if (data.empty()) return false;
      const auto protocol = std::to_integer<std::uint8_t>(data[0]);
      if (!inverted) protocol_ = protocol;
      protocol_words_ = (inverted ? " ! -p " : " -p ") + protocol_text(protocol);
      return true;
    }
    case Field::kSource:
      return address(source_, "-s", loaded, inverted, data);
    case Field::kDestination:
      return address(destination_, "-d", loaded, inverted, data);
    default:
      return false;
  }
}

// iptables compares the NUL of a whole name as well.
bool RuleText::interface(std::string &to, const char *option, bool inverted, Bytes data) const {
  std::string name(reinterpret_cast<const char *>(data.data()), data.size());
  const std::size_t end = name.find('\0');
  name = end == std::string::npos ? name + '+' : name.substr(0, end);
  to = std::string(inverted ? " ! " : " ") + option + " " + name;
  return true;
}

bool RuleText::address(std::string &to, const char *option, const LoadedField &loaded,
                       bool inverted, Bytes data) const {
  std::array<std::uint8_t, 16> address = {};
  if (!data.empty()) {
    std::memcpy(address.data(), data.data(), std::min(address.size(), data.size()));
  }
  to = address_text(option, table_.family, address.data(), loaded.mask.data(), inverted);
  return true;
}

bool RuleText::ports(const char *option, bool inverted, const std::string &numbers) {
  if (protocol_ != IPPROTO_TCP && protocol_ != IPPROTO_UDP) return false;
  const std::string match = protocol_ == IPPROTO_TCP ? " -m tcp" : " -m udp";
  const std::size_t last = matches_.rfind(" -m ");
  if (last == std::string::npos || matches_.compare(last, match.size(), match) != 0) {
    matches_ += match;
  }
  if (inverted) matches_ += " !";
  matches_.append(" ").append(option).append(" ").append(numbers);
  return true;
}

// A range may come as two comparisons, and has one option.
bool RuleText::port(const char *option, std::uint32_t operation, Bytes data) {
  if (data.size() != 2) return false;
  const std::string number = port_number(data);
  static constexpr std::string_view kNoUpperBound = ":65535";
  switch (operation) {
    case NFT_CMP_EQ:
    case NFT_CMP_NEQ:
      return ports(option, operation == NFT_CMP_NEQ, number);
    case NFT_CMP_GTE:
      return ports(option, false, number + std::string(kNoUpperBound));
    case NFT_CMP_LTE:
      if (!matches_.ends_with(kNoUpperBound))
        return ports(option, false, std::string("0:") + number);
      matches_.resize(matches_.size() - kNoUpperBound.size() + 1);
      matches_ += number;
      return true;
    default:
      return false;
  }
}

bool RuleText::field_range(const LoadedField &loaded, bool inverted, Bytes from, Bytes to) {
  const bool is_source = loaded.field == Field::kSourcePort;
  if ((!is_source && loaded.field != Field::kDestinationPort) || from.size() != 2 ||
      to.size() != 2) {
    return false;
  }
  return ports(is_source ? "--sport" : "--dport", inverted,
               port_number(from) + ":" + port_number(to));
}

}  // namespace connmark::nft
