// SPDX-License-Identifier: GPL-2.0-or-later
#include "callers/kernel_table.h"

#include <arpa/inet.h>
#include <libiptc/libiptc.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstring>
#include <ctime>
#include <string_view>

extern "C" {
#include <libiptc/libip6tc.h>  // unlike libiptc.h, does not say so itself
}

namespace connmark::test {
namespace {

constexpr char kTable[] = "mangle";
constexpr std::size_t kConnmarkSize = 16;

void add_hex(const void *data, std::size_t size, std::string &text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<const unsigned char *>(data)[i];
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

// A match or a target of x_tables.
void add_extension(std::string_view name, int revision, const void *data, std::size_t size,
                   TableRule &rule) {
  rule.rest += ' ';
  rule.rest += name;
  rule.rest += '.' + std::to_string(revision) + ' ';
  if (name != "CONNMARK" || size < kConnmarkSize) {
    add_hex(data, size, rule.rest);
    return;
  }
  ConnmarkTarget target{revision, {}};
  add_hex(data, kConnmarkSize, target.bytes);
  rule.targets.push_back(target);
}

// -- legacy -------------------------------------------------------------------

// Behind an extension's name lies what the memory held before.
template <typename Part>
void add_entry_part(const Part *part, std::size_t size, TableRule &rule) {
  const char *const name = part->u.user.name;
  add_extension({name, strnlen(name, sizeof part->u.user.name)}, part->u.user.revision, part->data,
                size - sizeof *part, rule);
}

template <typename Entry, typename Address>
TableRule read_entry(const char *chain, const Entry *entry, const Address &address,
                     const char *target_name) {
  TableRule rule{chain, {}, {}};
  add_hex(&address, sizeof address, rule.rest);
  const char *const start = reinterpret_cast<const char *>(entry);
  for (std::size_t at = sizeof *entry; at < entry->target_offset;) {
    const auto *const match = reinterpret_cast<const xt_entry_match *>(start + at);
    add_entry_part(match, match->u.match_size, rule);
    at += match->u.match_size;
  }
  rule.rest += std::string(" -> ") + target_name;
  const auto *const target =
      reinterpret_cast<const xt_entry_target *>(start + entry->target_offset);
  add_entry_part(target, target->u.target_size, rule);
  return rule;
}

struct Iptc {
  static auto open() { return iptc_init(kTable); }
  static constexpr auto kClose = iptc_free;
  static constexpr auto kFirstChain = iptc_first_chain;
  static constexpr auto kNextChain = iptc_next_chain;
  static constexpr auto kFirstRule = iptc_first_rule;
  static constexpr auto kNextRule = iptc_next_rule;
  static constexpr auto kTarget = iptc_get_target;
  static const auto &address(const ipt_entry &entry) { return entry.ip; }
};

struct Ip6tc {
  static auto open() { return ip6tc_init(kTable); }
  static constexpr auto kClose = ip6tc_free;
  static constexpr auto kFirstChain = ip6tc_first_chain;
  static constexpr auto kNextChain = ip6tc_next_chain;
  static constexpr auto kFirstRule = ip6tc_first_rule;
  static constexpr auto kNextRule = ip6tc_next_rule;
  static constexpr auto kTarget = ip6tc_get_target;
  static const auto &address(const ip6t_entry &entry) { return entry.ipv6; }
};

template <typename Library>
std::vector<TableRule> read_legacy() {
  std::vector<TableRule> rules;
  xtc_handle *const table = Library::open();
  if (table == nullptr) return rules;
  for (const char *chain = Library::kFirstChain(table); chain != nullptr;
       chain = Library::kNextChain(table)) {
    for (const auto *entry = Library::kFirstRule(chain, table); entry != nullptr;
         entry = Library::kNextRule(entry, table)) {
      rules.push_back(
          read_entry(chain, entry, Library::address(*entry), Library::kTarget(entry, table)));
    }
  }
  Library::kClose(table);
  return rules;
}

// -- nft ----------------------------------------------------------------------

// libmnl's own loops are macros that are no C++.
template <typename Look>
int call(const nlattr *attribute, void *look) {
  (*static_cast<Look *>(look))(attribute);
  return MNL_CB_OK;
}

template <typename Look>
void for_each_nested(const nlattr *nest, Look look) {
  mnl_attr_parse_nested(nest, call<Look>, &look);
}

const nlattr *attribute_of(const nlattr *nest, int type) {
  const nlattr *found = nullptr;
  for_each_nested(nest, [&](const nlattr *attribute) {
    if (mnl_attr_get_type(attribute) == type) found = attribute;
  });
  return found;
}

void add_compat(const nlattr *data, int name, int revision, int info, TableRule &rule) {
  const nlattr *const bytes = attribute_of(data, info);
  add_extension(mnl_attr_get_str(attribute_of(data, name)),
                static_cast<int>(ntohl(mnl_attr_get_u32(attribute_of(data, revision)))),
                mnl_attr_get_payload(bytes), mnl_attr_get_payload_len(bytes), rule);
}

void add_expression(const nlattr *element, TableRule &rule) {
  const nlattr *const data = attribute_of(element, NFTA_EXPR_DATA);
  const std::string name = mnl_attr_get_str(attribute_of(element, NFTA_EXPR_NAME));
  if (name == "target") {
    add_compat(data, NFTA_TARGET_NAME, NFTA_TARGET_REV, NFTA_TARGET_INFO, rule);
  } else if (name == "match") {
    add_compat(data, NFTA_MATCH_NAME, NFTA_MATCH_REV, NFTA_MATCH_INFO, rule);
  } else {
    rule.rest += ' ' + name + ' ';
    if (name == "counter" || data == nullptr) return;
    add_hex(mnl_attr_get_payload(data), mnl_attr_get_payload_len(data), rule.rest);
  }
}

int add_rule(const nlmsghdr *message, void *rules) {
  TableRule rule;
  auto look = [&rule](const nlattr *attribute) {
    if (mnl_attr_get_type(attribute) == NFTA_RULE_CHAIN) rule.chain = mnl_attr_get_str(attribute);
    if (mnl_attr_get_type(attribute) != NFTA_RULE_EXPRESSIONS) return;
    for_each_nested(attribute, [&rule](const nlattr *element) { add_expression(element, rule); });
  };
  mnl_attr_parse(message, sizeof(nfgenmsg), call<decltype(look)>, &look);
  static_cast<std::vector<TableRule> *>(rules)->push_back(std::move(rule));
  return MNL_CB_OK;
}

std::vector<TableRule> read_nft(Family family) {
  std::vector<TableRule> rules;
  alignas(nlmsghdr) char buffer[32'768] = {};
  nlmsghdr *const request = mnl_nlmsg_put_header(buffer);
  request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = static_cast<std::uint32_t>(std::time(nullptr));
  auto *const header =
      static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  header->nfgen_family = family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  header->version = NFNETLINK_V0;
  mnl_attr_put_strz(request, NFTA_RULE_TABLE, kTable);
  const std::uint32_t sequence = request->nlmsg_seq;

  mnl_socket *const socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == nullptr) return rules;
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
      mnl_socket_sendto(socket, request, request->nlmsg_len) >= 0) {
    int more = MNL_CB_OK;
    while (more == MNL_CB_OK) {
      const ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
      if (size <= 0) break;
      more = mnl_cb_run(buffer, static_cast<std::size_t>(size), sequence,
                        mnl_socket_get_portid(socket), add_rule, &rules);
    }
  }
  mnl_socket_close(socket);
  return rules;
}

}  // namespace

std::vector<TableRule> read_mangle_table(BackEnd back_end, Family family) {
  if (back_end == BackEnd::kNft) return read_nft(family);
  return family == Family::kIpv4 ? read_legacy<Iptc>() : read_legacy<Ip6tc>();
}

std::vector<ConnmarkTarget> connmark_targets(const std::vector<TableRule> &rules) {
  std::vector<ConnmarkTarget> all;
  for (const TableRule &rule : rules) {
    all.insert(all.end(), rule.targets.begin(), rule.targets.end());
  }
  return all;
}

}  // namespace connmark::test
