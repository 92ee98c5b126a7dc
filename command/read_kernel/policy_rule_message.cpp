// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/policy_rule_message.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "command/iproute/routing_names.h"
#include "command/output/number_text.h"
#include "command/read_kernel/netlink.h"
#include "command/rule_set/address_prefix.h"

namespace connmark {
namespace {

// Younger than the headers of some systems: Linux 6.13 to 6.15.
constexpr std::size_t kDscp = 25;
constexpr std::size_t kFlowLabel = 26;
constexpr std::size_t kFlowLabelMask = 27;
constexpr std::size_t kSourcePortMask = 28;
constexpr std::size_t kDestinationPortMask = 29;
constexpr std::size_t kDscpMask = 30;

template <typename Layout>
Layout load(const nlattr *attribute) {
  Layout to = {};
  if (attribute != nullptr && mnl_attr_get_payload_len(attribute) >= sizeof to) {
    std::memcpy(&to, mnl_attr_get_payload(attribute), sizeof to);
  }
  return to;
}

// As printf's %#x, which gives 0 no prefix.
std::string number(std::uint32_t value) { return value == 0 ? "0" : hex(value); }

// Goes through the parts of a rule in the order of print_rule() of ip/iprule.c.
class MessageReader {
 public:
  MessageReader(const fib_rule_hdr &header, const Attributes &of) : header_(header), of_(of) {}

  PolicyRule read() {
    rule_.family = header_.family == AF_INET6 ? Family::kIpv6 : Family::kIpv4;
    rule_.priority = of_.number(FRA_PRIORITY);
    rule_.inverted = (header_.flags & FIB_RULE_INVERT) != 0;
    rule_.text = std::to_string(rule_.priority) + ":";
    if (rule_.inverted) say("not");
    addresses();
    if (header_.tos != 0) other("tos", service_field_name(header_.tos));
    if (of_[kDscp] != nullptr) {
      other("dscp", std::to_string(of_.number8(kDscp)) + mask_of_byte(kDscpMask));
    }
    mark();
    interface("iif", FRA_IFNAME, FIB_RULE_IIF_DETACHED, Attribute::kInInterface);
    interface("oif", FRA_OIFNAME, FIB_RULE_OIF_DETACHED, Attribute::kOutInterface);
    if (of_.number8(FRA_L3MDEV) != 0) other("lookup", "[l3mdev-table]");
    if (of_[FRA_UID_RANGE] != nullptr) {
      const auto range = load<fib_rule_uid_range>(of_[FRA_UID_RANGE]);
      other("uidrange", std::to_string(range.start) + "-" + std::to_string(range.end));
    }
    if (const std::uint8_t protocol = of_.number8(FRA_IP_PROTO); protocol != 0) {
      say("ipproto", ip_protocol_name(protocol));
      rule_.matches.push_back(
          {.attribute = Attribute::kProtocol, .from = protocol, .to = protocol, .text = {}});
    }
    ports("sport", FRA_SPORT_RANGE, kSourcePortMask, Attribute::kSourcePort);
    ports("dport", FRA_DPORT_RANGE, kDestinationPortMask, Attribute::kDestinationPort);
    if (of_[FRA_TUN_ID] != nullptr) {
      other("tun_id", std::to_string(of_.number_be64(FRA_TUN_ID)));
    }
    if (of_[kFlowLabel] != nullptr) {
      other("flowlabel", number(of_.number_be(kFlowLabel))
                             .append("/")
                             .append(number(of_.number_be(kFlowLabelMask))));
    }
    lookup();
    realms();
    action();
    const std::uint8_t protocol = of_.number8(FRA_PROTOCOL);
    if (protocol != RTPROT_UNSPEC && protocol != RTPROT_KERNEL) {
      say("proto", routing_protocol_name(protocol));
    }
    return std::move(rule_);
  }

 private:
  void say(std::string_view words) { rule_.text.append(" ").append(words); }
  void say(std::string_view option, std::string_view value) {
    say(option);
    say(value);
  }

  void other(std::string_view option, std::string_view value) {
    say(option, value);
    std::string words(option);
    words.append(" ").append(value);
    rule_.matches.push_back({.is_stable = true, .text = std::move(words)});
  }

  std::string mask_of_byte(std::size_t type) const {
    if (of_[type] == nullptr || of_.number8(type) == 0x3f) return {};
    return std::string("/").append(hex(of_.number8(type)));
  }

  void addresses() {
    say("from", prefix(FRA_SRC, header_.src_len, Attribute::kSource));
    const std::string to = prefix(FRA_DST, header_.dst_len, Attribute::kDestination);
    if (to != "all") say("to", to);
  }

  // "10.0.0.1/8": the kernel keeps what stands behind the prefix, and ip prints it.
  std::string prefix(std::size_t type, int length, Attribute attribute) {
    const bool ipv6 = header_.family == AF_INET6;
    const int whole = ipv6 ? 128 : 32;
    const nlattr *const address = of_[type];
    const bool has_address =
        address != nullptr && mnl_attr_get_payload_len(address) >= (ipv6 ? 16U : 4U);
    if (!has_address && length == 0) return "all";
    static constexpr std::uint8_t kNoAddress[16] = {};
    const void *const bytes = has_address ? mnl_attr_get_payload(address) : kNoAddress;
    rule_.matches.push_back({.attribute = attribute, .text = prefix_text(ipv6, bytes, length)});
    std::string text = "0";
    if (has_address) {
      char buffer[INET6_ADDRSTRLEN] = "";
      inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes, buffer, sizeof buffer);
      text = buffer;
    }
    if (length != whole) text.append("/").append(std::to_string(length));
    return text;
  }

  // The kernel leaves out a mark of 0; without a mask as well no mark is looked at.
  void mark() {
    if (of_[FRA_FWMARK] == nullptr && of_[FRA_FWMASK] == nullptr) return;
    rule_.value = of_.number(FRA_FWMARK);
    rule_.mask = of_[FRA_FWMASK] != nullptr ? of_.number(FRA_FWMASK) : kAllBits;
    std::string words = number(rule_.value);
    if (rule_.mask != kAllBits) words.append("/").append(number(rule_.mask));
    say("fwmark", words);
  }

  void interface(std::string_view option, std::size_t type, std::uint32_t detached,
                 Attribute attribute) {
    if (of_[type] == nullptr) return;
    const std::string name(of_.text(type));
    say(option, name);
    if ((header_.flags & detached) != 0) say("[detached]");
    rule_.matches.push_back({.attribute = attribute, .text = name});
  }

  void ports(std::string_view option, std::size_t type, std::size_t mask_type,
             Attribute attribute) {
    if (of_[type] == nullptr) return;
    const auto range = load<fib_rule_port_range>(of_[type]);
    std::string words = std::to_string(range.start);
    if (range.end != range.start) words.append("-").append(std::to_string(range.end));
    const auto mask = load<std::uint16_t>(of_[mask_type]);
    if (of_[mask_type] != nullptr && mask != 0xffff)
      return other(option, words.append("/").append(hex(mask)));
    say(option, words);
    rule_.matches.push_back(
        {.attribute = attribute, .from = range.start, .to = range.end, .text = {}});
  }

  void lookup() {
    const std::uint32_t table =
        of_[FRA_TABLE] != nullptr ? of_.number(FRA_TABLE) : std::uint32_t{header_.table};
    if (table == RT_TABLE_UNSPEC) return;
    const std::string name = table_name(table);
    say("lookup", name);
    // The kernel writes -1 where there is no limit.
    const std::uint32_t length = of_.number(FRA_SUPPRESS_PREFIXLEN);
    const bool has_length = of_[FRA_SUPPRESS_PREFIXLEN] != nullptr && length != kAllBits;
    if (has_length) say("suppress_prefixlength", std::to_string(length));
    const std::uint32_t group = of_.number(FRA_SUPPRESS_IFGROUP);
    if (of_[FRA_SUPPRESS_IFGROUP] != nullptr && group != kAllBits) {
      say("suppress_ifgroup", interface_group_name(group));
    }
    if (header_.action != FR_ACT_TO_TBL) return;
    rule_.table = table;
    rule_.table_name = name;
    if (has_length) rule_.suppress_prefixlength = length;
  }

  void realms() {
    const std::uint32_t both = of_.number(FRA_FLOW);
    if (of_[FRA_FLOW] == nullptr) return;
    std::string words = both >> 16 != 0 ? realm_name(both >> 16) + "/" : std::string();
    words += realm_name(both & 0xffff);
    say("realms", words);
  }

  void action() {
    switch (header_.action) {
      case FR_ACT_TO_TBL:
        return;
      case FR_ACT_GOTO:
        rule_.action = RoutingAction::kGoto;
        if (of_[FRA_GOTO] == nullptr) {
          say("goto", "none");
        } else {
          say("goto", std::to_string(of_.number(FRA_GOTO)));
        }
        if ((header_.flags & FIB_RULE_UNRESOLVED) != 0) {
          say("[unresolved]");
        } else if (of_[FRA_GOTO] != nullptr) {
          rule_.target = of_.number(FRA_GOTO);
        }
        return;
      case FR_ACT_NOP:
        rule_.action = RoutingAction::kNop;
        return say("nop");
      case FR_ACT_BLACKHOLE:
        rule_.action = RoutingAction::kBlackhole;
        return say("blackhole");
      case FR_ACT_UNREACHABLE:
        rule_.action = RoutingAction::kUnreachable;
        return say("unreachable");
      case FR_ACT_PROHIBIT:
        rule_.action = RoutingAction::kProhibit;
        return say("prohibit");
      default:
        rule_.action = RoutingAction::kOther;
        say(std::to_string(header_.action));
    }
  }

  const fib_rule_hdr &header_;
  const Attributes &of_;
  PolicyRule rule_;
};

}  // namespace

std::optional<PolicyRule> policy_rule_of(const nlmsghdr &message) {
  if (message.nlmsg_type != RTM_NEWRULE) return std::nullopt;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(fib_rule_hdr)) return std::nullopt;
  const auto &header = *static_cast<const fib_rule_hdr *>(mnl_nlmsg_get_payload(&message));
  return MessageReader(header, Attributes(message, sizeof header)).read();
}

}  // namespace connmark
