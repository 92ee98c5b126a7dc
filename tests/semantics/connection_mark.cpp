// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/connection_mark.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace connmark::test {
namespace {

template <std::size_t count>
using Attributes = std::array<const nlattr *, count>;

// Those at the top level, or inside `nest`; a type that the array has no place
// for is left out.
template <std::size_t count>
int keep(const nlattr *attribute, void *data) {
  auto &attributes = *static_cast<Attributes<count> *>(data);
  const std::uint16_t type = mnl_attr_get_type(attribute);
  if (type < count) attributes[type] = attribute;
  return MNL_CB_OK;
}

template <std::size_t count>
Attributes<count> nested(const nlattr *nest) {
  Attributes<count> attributes{};
  if (nest != nullptr) mnl_attr_parse_nested(nest, keep<count>, &attributes);
  return attributes;
}

struct Search {
  std::uint16_t port;
  std::vector<std::uint32_t> marks;
};

int visit(const nlmsghdr *message, void *data) {
  auto &search = *static_cast<Search *>(data);
  Attributes<CTA_MAX + 1> connection{};
  mnl_attr_parse(message, sizeof(nfgenmsg), keep<CTA_MAX + 1>, &connection);
  const auto tuple = nested<CTA_TUPLE_MAX + 1>(connection[CTA_TUPLE_ORIG]);
  const auto protocol = nested<CTA_PROTO_MAX + 1>(tuple[CTA_TUPLE_PROTO]);
  if (protocol[CTA_PROTO_NUM] == nullptr || protocol[CTA_PROTO_DST_PORT] == nullptr ||
      mnl_attr_get_u8(protocol[CTA_PROTO_NUM]) != IPPROTO_UDP ||
      ntohs(mnl_attr_get_u16(protocol[CTA_PROTO_DST_PORT])) != search.port) {
    return MNL_CB_OK;
  }
  const nlattr *mark = connection[CTA_MARK];
  search.marks.push_back(mark != nullptr ? ntohl(mnl_attr_get_u32(mark)) : 0);
  return MNL_CB_OK;
}

[[noreturn]] void fail(const char *what) {
  throw std::runtime_error(std::string("ctnetlink: ") + what + ": " + std::strerror(errno));
}

}  // namespace

std::optional<std::uint32_t> connection_mark(Family family, std::uint16_t port) {
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket *)> socket(
      mnl_socket_open(NETLINK_NETFILTER), mnl_socket_close);
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    fail("no socket");
  }

  std::vector<char> buffer(static_cast<std::size_t>(MNL_SOCKET_BUFFER_SIZE));
  nlmsghdr *request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  auto *header = static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  header->nfgen_family = family == Family::kIpv4 ? AF_INET : AF_INET6;
  header->version = NFNETLINK_V0;
  header->res_id = 0;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) fail("cannot ask");

  Search search{port, {}};
  int more = MNL_CB_OK;
  while (more == MNL_CB_OK) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0) fail("no answer");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1,
                      mnl_socket_get_portid(socket.get()), visit, &search);
  }
  if (more == MNL_CB_ERROR) fail("cannot read the answer");
  if (search.marks.size() > 1) throw std::runtime_error("ctnetlink: more than one connection");
  if (search.marks.empty()) return std::nullopt;
  return search.marks.front();
}

}  // namespace connmark::test
