// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/kernel_policy.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command/output/number_text.h"
#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/netlink.h"

namespace connmark {
namespace {

constexpr int kAttempts = 20;

// As `ip` names it: with the names of the system, and three of its own.
std::string table_name(std::uint32_t table) {
  for (const char *const path : {"/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables",
                                 "/usr/lib/iproute2/rt_tables"}) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::uint32_t number = 0;
      std::string name;
      if (words >> number >> name && number == table) return name;
    }
  }
  if (table == RT_TABLE_DEFAULT) return "default";
  if (table == RT_TABLE_MAIN) return "main";
  if (table == RT_TABLE_LOCAL) return "local";
  return std::to_string(table);
}

std::string prefix(int family, const nlattr *address, int length) {
  const int whole = family == AF_INET6 ? 128 : 32;
  const std::size_t size = static_cast<std::size_t>(whole) / 8;
  std::string text = "0";
  if (address != nullptr && mnl_attr_get_payload_len(address) >= size) {
    char buffer[INET6_ADDRSTRLEN] = "";
    inet_ntop(family, mnl_attr_get_payload(address), buffer, sizeof buffer);
    text = buffer;
  } else if (length == 0) {
    return "all";
  }
  return length == whole ? text : text + "/" + std::to_string(length);
}

// "80" or "1000-2000", of fib_rule_port_range.
std::string ports(const nlattr *attribute) {
  fib_rule_port_range range = {};
  if (mnl_attr_get_payload_len(attribute) >= sizeof range) {
    range = *static_cast<const fib_rule_port_range *>(mnl_attr_get_payload(attribute));
  }
  std::string text = std::to_string(range.start);
  if (range.end != range.start) text.append("-").append(std::to_string(range.end));
  return text;
}

std::string users(const nlattr *attribute) {
  fib_rule_uid_range range = {};
  if (mnl_attr_get_payload_len(attribute) >= sizeof range) {
    range = *static_cast<const fib_rule_uid_range *>(mnl_attr_get_payload(attribute));
  }
  return std::to_string(range.start) + "-" + std::to_string(range.end);
}

std::string action(const fib_rule_hdr &header, const Attributes &of) {
  switch (header.action) {
    case FR_ACT_TO_TBL: {
      const std::uint32_t table =
          of[FRA_TABLE] != nullptr ? of.number(FRA_TABLE) : std::uint32_t{header.table};
      std::string text = " lookup " + table_name(table);
      // The kernel writes -1 where there is no limit.
      const std::uint32_t length = of.number(FRA_SUPPRESS_PREFIXLEN);
      if (of[FRA_SUPPRESS_PREFIXLEN] != nullptr && length != kAllBits) {
        text.append(" suppress_prefixlength ").append(std::to_string(length));
      }
      const std::uint32_t group = of.number(FRA_SUPPRESS_IFGROUP);
      if (of[FRA_SUPPRESS_IFGROUP] != nullptr && group != kAllBits) {
        text.append(" suppress_ifgroup ").append(std::to_string(group));
      }
      return text;
    }
    case FR_ACT_GOTO:
      return std::string(" goto ").append(std::to_string(of.number(FRA_GOTO)));
    case FR_ACT_NOP:
      return " nop";
    case FR_ACT_BLACKHOLE:
      return " blackhole";
    case FR_ACT_UNREACHABLE:
      return " unreachable";
    case FR_ACT_PROHIBIT:
      return " prohibit";
    default:
      return std::string(" ").append(std::to_string(header.action));
  }
}

// As printf's %#x, which gives 0 no prefix.
std::string number(std::uint32_t value) { return value == 0 ? "0" : hex(value); }

std::string rule_text(const fib_rule_hdr &header, const Attributes &of, const PolicyRule &rule) {
  std::string text = std::to_string(rule.priority) + ":";
  if (rule.inverted) text += " not";
  text += " from " + prefix(header.family, of[FRA_SRC], header.src_len);
  if (of[FRA_DST] != nullptr || header.dst_len != 0) {
    text += " to " + prefix(header.family, of[FRA_DST], header.dst_len);
  }
  if (header.tos != 0) text += " tos " + hex(header.tos);
  text += " fwmark " + number(rule.value);
  if (rule.mask != kAllBits) text += "/" + number(rule.mask);
  if (of[FRA_IFNAME] != nullptr) text += " iif " + std::string(of.text(FRA_IFNAME));
  if (of[FRA_OIFNAME] != nullptr) text += " oif " + std::string(of.text(FRA_OIFNAME));
  if (of.number8(FRA_L3MDEV) != 0) text += " lookup [l3mdev-table]";
  if (of[FRA_UID_RANGE] != nullptr) text += " uidrange " + users(of[FRA_UID_RANGE]);
  if (of.number8(FRA_IP_PROTO) != 0) {
    const protoent *const named = getprotobynumber(of.number8(FRA_IP_PROTO));
    text += " ipproto ";
    text += named != nullptr ? named->p_name : std::to_string(of.number8(FRA_IP_PROTO));
  }
  if (of[FRA_SPORT_RANGE] != nullptr) text += " sport " + ports(of[FRA_SPORT_RANGE]);
  if (of[FRA_DPORT_RANGE] != nullptr) text += " dport " + ports(of[FRA_DPORT_RANGE]);
  if (of.number8(FRA_L3MDEV) != 0 && header.action == FR_ACT_TO_TBL) return text;
  return text + action(header, of);
}

void add_rule(const nlmsghdr &message, InputIndex input, std::vector<PolicyRule> &rules) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(fib_rule_hdr)) return;
  const auto &header = *static_cast<const fib_rule_hdr *>(mnl_nlmsg_get_payload(&message));
  const Attributes of(message, sizeof header);
  // The kernel leaves out a mark of 0; without a mask as well no mark is looked at.
  if (of[FRA_FWMARK] == nullptr && of[FRA_FWMASK] == nullptr) return;
  PolicyRule rule;
  rule.input = input;
  rule.family = header.family == AF_INET6 ? Family::kIpv6 : Family::kIpv4;
  rule.priority = of.number(FRA_PRIORITY);
  rule.value = of.number(FRA_FWMARK);
  if (of[FRA_FWMASK] != nullptr) rule.mask = of.number(FRA_FWMASK);
  rule.inverted = (header.flags & FIB_RULE_INVERT) != 0;
  rule.text = rule_text(header, of, rule);
  rules.push_back(std::move(rule));
}

int dump(int family, InputIndex input, std::vector<PolicyRule> &rules) {
  NetlinkRequest request(RTM_GETRULE, NLM_F_DUMP);
  auto *const header = static_cast<fib_rule_hdr *>(
      mnl_nlmsg_put_extra_header(request.message(), sizeof(fib_rule_hdr)));
  header->family = static_cast<std::uint8_t>(family);
  return ask_kernel(NETLINK_ROUTE, request, [&](const nlmsghdr &message) {
    if (message.nlmsg_type == RTM_NEWRULE) add_rule(message, input, rules);
    return true;
  });
}

int number_in(const std::filesystem::path &path) {
  std::ifstream in(path);
  int number = 0;
  return in >> number ? number : 0;
}

}  // namespace

void read_kernel_policy_rules(Ruleset &ruleset) {
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  std::vector<PolicyRule> all;
  for (const int family : {AF_INET, AF_INET6}) {
    std::vector<PolicyRule> rules;
    int error = EINTR;
    for (int attempt = 0; error == EINTR && attempt < kAttempts; ++attempt) {
      rules.clear();
      error = dump(family, input, rules);
    }
    // Without policy routing, or without IPv6.
    if (error == EOPNOTSUPP || error == EAFNOSUPPORT || error == EPROTONOSUPPORT) continue;
    if (error != 0) refuse_access("the rules of policy routing", error);
    std::ranges::move(rules, std::back_inserter(all));
  }
  ruleset.has_policy_rules = true;
  ruleset.inputs.push_back({.name = "kernel: ip rules"});
  std::ranges::move(all, std::back_inserter(ruleset.policy_rules));
}

void read_reverse_path_filters(Ruleset &ruleset) {
  std::error_code error;
  std::vector<std::filesystem::path> interfaces;
  for (std::filesystem::directory_iterator each("/proc/sys/net/ipv4/conf", error), end;
       !error && each != end; each.increment(error)) {
    if (each->path().filename() != "default") interfaces.push_back(each->path());
  }
  std::ranges::sort(interfaces);
  for (const std::filesystem::path &interface : interfaces) {
    ruleset.reverse_path_filters.push_back(
        {.interface = interface.filename().string(),
         .rp_filter = number_in(interface / "rp_filter"),
         .src_valid_mark = number_in(interface / "src_valid_mark") != 0});
  }
}

}  // namespace connmark
