// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace connmark {

// A message to the kernel.
class NetlinkRequest {
 public:
  NetlinkRequest(std::uint16_t type, std::uint16_t flags);

  nlmsghdr *message() { return reinterpret_cast<nlmsghdr *>(buffer_.data()); }

 private:
  std::vector<char> buffer_;
};

// A conversation with one of the kernel's buses (NETLINK_NETFILTER ...), on one
// socket for all its questions.
class NetlinkConversation {
 public:
  explicit NetlinkConversation(int bus) : bus_(bus) {}

  // Sends `request` and calls `visit` for each message of the answer, until it
  // returns false.  Returns 0 or an errno; EINTR where what was asked for has
  // changed while it was sent, EBADMSG where the answer is none of netlink's.
  int ask(NetlinkRequest &request, const std::function<bool(const nlmsghdr &)> &visit);

 private:
  int open();

  int bus_;
  std::unique_ptr<mnl_socket, int (*)(mnl_socket *)> socket_{nullptr, mnl_socket_close};
  std::uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

// One datagram of an answer.
struct Answer {
  enum class End : std::uint8_t { kMore, kWhole, kStopped };  // kStopped: by `visit`

  End end = End::kMore;
  int error = 0;  // errno
  bool interrupted = false;
};

// Calls `visit` for each message with this number.  `bytes` may be anything, at
// an address for an nlmsghdr.
Answer read_answer(std::span<const char> bytes, std::uint32_t sequence,
                   const std::function<bool(const nlmsghdr &)> &visit);

template <typename Visit>
void each_attribute(const void *begin, std::size_t size, const Visit &visit) {
  const auto *attribute = static_cast<const nlattr *>(begin);
  while (mnl_attr_ok(attribute, static_cast<int>(size))) {
    visit(*attribute);
    const std::size_t step = MNL_ALIGN(attribute->nla_len);
    if (step >= size) return;
    size -= step;
    attribute = mnl_attr_next(attribute);
  }
}

// `nest` may be null.
template <typename Visit>
void each_nested(const nlattr *nest, const Visit &visit) {
  if (nest == nullptr) return;
  each_attribute(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), visit);
}

// The attributes of a message or nest, by type; those that `count` leaves out,
// and those that are absent, are null.
class Attributes {
 public:
  Attributes(const nlmsghdr &message, std::size_t header_size);
  explicit Attributes(const nlattr *nest);

  const nlattr *operator[](std::size_t type) const {
    return type < kCount ? attributes_[type] : nullptr;
  }
  // 0, or empty, where the attribute is absent or too short.
  std::uint8_t number8(std::size_t type) const;
  std::uint32_t number(std::size_t type) const;     // in the machine's order
  std::uint32_t number_be(std::size_t type) const;  // as nf_tables writes them
  std::uint64_t number_be64(std::size_t type) const;
  std::string_view text(std::size_t type) const;

 private:
  static constexpr std::size_t kCount = 32;
  void keep(const nlattr &attribute);

  const nlattr *attributes_[kCount] = {};
};

}  // namespace connmark
