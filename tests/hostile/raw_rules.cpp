// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostile/raw_rules.h"

#include <arpa/inet.h>
#include <libiptc/libiptc.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>

extern "C" {
#include <libiptc/libip6tc.h>  // unlike libiptc.h, does not say so itself
}

namespace connmark::test {
namespace {

constexpr char kTargetName[] = "CONNMARK";
constexpr char kTable[] = "mangle";
constexpr char kChain[] = "OUTPUT";

// A rule without matches: struct ipt_entry or ip6t_entry, the target, its bytes.
template <typename Entry>
class RawEntry {
 public:
  RawEntry(Revision revision, const WireBytes &bytes) {
    Entry entry{};
    entry.target_offset = sizeof(Entry);
    entry.next_offset = sizeof buffer_;
    std::memcpy(buffer_, &entry, sizeof entry);

    xt_entry_target target{};
    target.u.user.target_size = sizeof target + kWireSize;
    target.u.user.revision = static_cast<std::uint8_t>(revision);
    std::strcpy(target.u.user.name, kTargetName);
    std::memcpy(buffer_ + sizeof entry, &target, sizeof target);
    std::memcpy(buffer_ + sizeof entry + sizeof target, bytes.data(), bytes.size());
  }

  const Entry *get() const { return reinterpret_cast<const Entry *>(buffer_); }

 private:
  alignas(Entry) char buffer_[sizeof(Entry) + sizeof(xt_entry_target) + kWireSize];
};

// libiptc returns 0 for failure, with the reason in errno.
template <typename Init, typename Append, typename Commit, typename Free, typename Entry>
int append_with(Init init, Append append, Commit commit, Free free, const Entry *entry) {
  xtc_handle *const handle = init(kTable);
  if (handle == nullptr) return errno;
  const int error = append(kChain, entry, handle) != 0 && commit(handle) != 0 ? 0 : errno;
  free(handle);
  return error;
}

int append_legacy(Family family, Revision revision, const WireBytes &bytes) {
  if (family == Family::kIpv4) {
    return append_with(iptc_init, iptc_append_entry, iptc_commit, iptc_free,
                       RawEntry<ipt_entry>(revision, bytes).get());
  }
  return append_with(ip6tc_init, ip6tc_append_entry, ip6tc_commit, ip6tc_free,
                     RawEntry<ip6t_entry>(revision, bytes).get());
}

class Batch {
 public:
  nlmsghdr *begin_message(int type, int flags, std::uint8_t family, std::uint16_t resource = 0) {
    message_ = mnl_nlmsg_put_header(buffer_ + size_);
    message_->nlmsg_type = static_cast<std::uint16_t>(type);
    message_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message_->nlmsg_seq = ++sequence_;
    auto *const header =
        static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(message_, sizeof(nfgenmsg)));
    header->nfgen_family = family;
    header->version = NFNETLINK_V0;
    header->res_id = htons(resource);
    return message_;
  }

  void end_message() { size_ += message_->nlmsg_len; }

  // The first error that the kernel answers, or 0.
  int send_to_kernel() const {
    mnl_socket *const socket = mnl_socket_open(NETLINK_NETFILTER);
    if (socket == nullptr) return errno;
    const int error = exchange(socket);
    mnl_socket_close(socket);
    return error;
  }

 private:
  // Only the message in the middle of the batch asks for an answer.
  int exchange(mnl_socket *socket) const {
    alignas(nlmsghdr) char answer[8192];
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) return errno;
    if (mnl_socket_sendto(socket, buffer_, size_) < 0) return errno;
    const ssize_t size = mnl_socket_recvfrom(socket, answer, sizeof answer);
    if (size < 0) return errno;
    const auto size_read = static_cast<std::size_t>(size);
    return mnl_cb_run(answer, size_read, 0, mnl_socket_get_portid(socket), nullptr, nullptr) < 0
               ? errno
               : 0;
  }

  alignas(nlmsghdr) char buffer_[4096] = {};
  std::size_t size_ = 0;
  std::uint32_t sequence_ = 0;
  nlmsghdr *message_ = nullptr;
};

int append_nft(Family family, Revision revision, const WireBytes &bytes) {
  const std::uint8_t nfproto = family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  constexpr int kNewRule = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
  Batch batch;
  batch.begin_message(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.end_message();

  nlmsghdr *const rule =
      batch.begin_message(kNewRule, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, nfproto);
  mnl_attr_put_strz(rule, NFTA_RULE_TABLE, kTable);
  mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, kChain);
  nlattr *const expressions = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
  nlattr *const expression = mnl_attr_nest_start(rule, NFTA_LIST_ELEM);
  mnl_attr_put_strz(rule, NFTA_EXPR_NAME, "target");
  nlattr *const data = mnl_attr_nest_start(rule, NFTA_EXPR_DATA);
  mnl_attr_put_strz(rule, NFTA_TARGET_NAME, kTargetName);
  mnl_attr_put_u32(rule, NFTA_TARGET_REV, htonl(static_cast<std::uint32_t>(revision)));
  mnl_attr_put(rule, NFTA_TARGET_INFO, bytes.size(), bytes.data());
  mnl_attr_nest_end(rule, data);
  mnl_attr_nest_end(rule, expression);
  mnl_attr_nest_end(rule, expressions);
  batch.end_message();

  batch.begin_message(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.end_message();
  return batch.send_to_kernel();
}

}  // namespace

int append_raw_rule(BackEnd back_end, Family family, Revision revision, const WireBytes &bytes) {
  return back_end == BackEnd::kLegacy ? append_legacy(family, revision, bytes)
                                      : append_nft(family, revision, bytes);
}

}  // namespace connmark::test
