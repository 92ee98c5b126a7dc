// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/connections/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "command/refusal.h"

namespace connmark {
namespace {

// As much as the kernel puts into one message of a dump.
constexpr std::size_t kMessageSize = 32768;
// Room for events while standard output is slow.
constexpr int kEventRoom = 8 * 1024 * 1024;
constexpr unsigned int kSequence = 1;

template <std::size_t count>
using Attributes = std::array<const nlattr *, count>;

// A type that this program was not compiled with is left out.
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

bool has_size(const nlattr *attribute, std::size_t size) {
  return attribute != nullptr && mnl_attr_get_payload_len(attribute) >= size;
}

std::string address(int family, const nlattr *attribute) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, mnl_attr_get_payload(attribute), text, sizeof text);
  return text;
}

std::uint16_t port(const nlattr *attribute) {
  return has_size(attribute, sizeof(std::uint16_t)) ? ntohs(mnl_attr_get_u16(attribute))
                                                    : std::uint16_t{0};
}

void read_addresses(const nlattr *original, Flow &flow) {
  const auto tuple = nested<CTA_TUPLE_MAX + 1>(original);
  const auto ip = nested<CTA_IP_MAX + 1>(tuple[CTA_TUPLE_IP]);
  if (has_size(ip[CTA_IP_V4_SRC], 4) && has_size(ip[CTA_IP_V4_DST], 4)) {
    flow.source = address(AF_INET, ip[CTA_IP_V4_SRC]);
    flow.destination = address(AF_INET, ip[CTA_IP_V4_DST]);
  } else if (has_size(ip[CTA_IP_V6_SRC], 16) && has_size(ip[CTA_IP_V6_DST], 16)) {
    flow.source = address(AF_INET6, ip[CTA_IP_V6_SRC]);
    flow.destination = address(AF_INET6, ip[CTA_IP_V6_DST]);
  }
  const auto protocol = nested<CTA_PROTO_MAX + 1>(tuple[CTA_TUPLE_PROTO]);
  if (has_size(protocol[CTA_PROTO_NUM], 1)) {
    flow.protocol = mnl_attr_get_u8(protocol[CTA_PROTO_NUM]);
  }
  flow.source_port = port(protocol[CTA_PROTO_SRC_PORT]);
  flow.destination_port = port(protocol[CTA_PROTO_DST_PORT]);
}

void add_traffic(const nlattr *counters, Flow &flow) {
  const auto counter = nested<CTA_COUNTERS_MAX + 1>(counters);
  if (!has_size(counter[CTA_COUNTERS_PACKETS], 8) || !has_size(counter[CTA_COUNTERS_BYTES], 8)) {
    return;
  }
  if (!flow.traffic) flow.traffic.emplace();
  flow.traffic->packets += be64toh(mnl_attr_get_u64(counter[CTA_COUNTERS_PACKETS]));
  flow.traffic->bytes += be64toh(mnl_attr_get_u64(counter[CTA_COUNTERS_BYTES]));
}

Flow flow_of(const nlmsghdr *message, bool with_addresses) {
  Attributes<CTA_MAX + 1> attributes{};
  mnl_attr_parse(message, sizeof(nfgenmsg), keep<CTA_MAX + 1>, &attributes);
  Flow flow;
  // A connection with mark 0 comes without the attribute.
  if (has_size(attributes[CTA_MARK], 4)) flow.mark = ntohl(mnl_attr_get_u32(attributes[CTA_MARK]));
  if (with_addresses) read_addresses(attributes[CTA_TUPLE_ORIG], flow);
  add_traffic(attributes[CTA_COUNTERS_ORIG], flow);
  add_traffic(attributes[CTA_COUNTERS_REPLY], flow);
  return flow;
}

bool fits(const Flow &flow, const std::optional<MarkAndMask> &filter) {
  return !filter || (flow.mark & filter->mask) == filter->value;
}

[[noreturn]] void fail(const char *what) {
  if (errno == EPERM) {
    throw Refusal(
        "flows: the kernel shows connections to those with CAP_NET_ADMIN only, "
        "run it as root");
  }
  throw Refusal(std::string("flows: ") + what + ": " + std::strerror(errno));
}

void bind(mnl_socket &socket, unsigned int groups) {
  if (mnl_socket_bind(&socket, groups, MNL_SOCKET_AUTOPID) < 0) fail("cannot ask for connections");
}

struct Dump {
  const std::optional<MarkAndMask> &filter;
  bool with_addresses;
  const std::function<void(const Flow &)> &visit;
};

int visit_flow(const nlmsghdr *message, void *data) {
  const auto &dump = *static_cast<Dump *>(data);
  const Flow flow = flow_of(message, dump.with_addresses);
  if (fits(flow, dump.filter)) dump.visit(flow);
  return MNL_CB_OK;
}

FlowChange change_of(const nlmsghdr *message) {
  if ((message->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE) return FlowChange::kEnded;
  return (message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) != 0 ? FlowChange::kNew
                                                                   : FlowChange::kUpdated;
}

struct Watch {
  const std::optional<MarkAndMask> &filter;
  const std::function<bool(FlowChange, const Flow &)> &visit;
};

int visit_event(const nlmsghdr *message, void *data) {
  const auto &watch = *static_cast<Watch *>(data);
  const Flow flow = flow_of(message, true);
  if (!fits(flow, watch.filter)) return MNL_CB_OK;
  return watch.visit(change_of(message), flow) ? MNL_CB_OK : MNL_CB_STOP;
}

}  // namespace

Conntrack::Conntrack() : socket_(mnl_socket_open(NETLINK_NETFILTER), mnl_socket_close) {
  if (socket_ == nullptr) fail("no netlink socket");
}

void Conntrack::each_flow(const std::optional<MarkAndMask> &filter, bool with_addresses,
                          const std::function<void(const Flow &)> &visit) {
  bind(*socket_, 0);
  std::vector<char> buffer(kMessageSize);
  nlmsghdr *request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = kSequence;
  auto *header = static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  header->nfgen_family = AF_UNSPEC;
  header->version = NFNETLINK_V0;
  header->res_id = 0;
  if (filter) {
    // So that a kernel with many connections sends the few that are asked for.
    mnl_attr_put_u32(request, CTA_MARK, htonl(filter->value));
    mnl_attr_put_u32(request, CTA_MARK_MASK, htonl(filter->mask));
  }
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) fail("cannot ask");

  Dump dump{filter, with_addresses, visit};
  int more = MNL_CB_OK;
  while (more == MNL_CB_OK) {
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0) fail("no answer");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), kSequence,
                      mnl_socket_get_portid(socket_.get()), visit_flow, &dump);
  }
  if (more == MNL_CB_ERROR) fail("cannot read the connections");
}

void Conntrack::watch(const std::optional<MarkAndMask> &filter,
                      const std::function<bool(FlowChange, const Flow &)> &visit,
                      const std::function<void()> &lost) {
  bind(*socket_,
       NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE | NF_NETLINK_CONNTRACK_DESTROY);
  // Beyond the system's limit for those who may; within it for others.
  const int file = mnl_socket_get_fd(socket_.get());
  if (setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &kEventRoom, sizeof kEventRoom) != 0) {
    setsockopt(file, SOL_SOCKET, SO_RCVBUF, &kEventRoom, sizeof kEventRoom);
  }
  std::vector<char> buffer(kMessageSize);
  Watch watched{filter, visit};
  int more = MNL_CB_OK;
  while (more == MNL_CB_OK) {
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == ENOBUFS) {
      lost();
      continue;
    }
    if (size < 0) fail("no more events");
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 0, 0, visit_event, &watched);
  }
  if (more == MNL_CB_ERROR) fail("cannot read an event");
}

bool accounting_is_on() {
  std::ifstream in("/proc/sys/net/netfilter/nf_conntrack_acct");
  int value = 0;
  return in >> value && value != 0;
}

}  // namespace connmark
