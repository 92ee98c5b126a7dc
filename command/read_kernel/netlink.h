// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
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

// Sends `request` to the kernel's `bus` (NETLINK_NETFILTER ...) and calls `visit`
// for each message of the answer, until it returns false.  Returns 0 or an
// errno; EINTR where what was asked for has changed while it was sent.
int ask_kernel(int bus, NetlinkRequest &request,
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
