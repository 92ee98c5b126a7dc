// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "flow/udp_socket.h"

namespace connmark::test {

// This process's private network as a router between two others, over its
// interfaces "left" and "right".  IPv4 alone: neighbour discovery of IPv6 would
// pass the rules.
class VethRouter {
 public:
  enum class Side { kLeft, kRight };
  static constexpr const char *kAddress = "10.0.1.1";  // of the router, to the left

  VethRouter() = default;
  ~VethRouter();
  VethRouter(const VethRouter &) = delete;
  VethRouter &operator=(const VethRouter &) = delete;

  // In the network of enter_private_network(), still without rules.  Returns why it
  // cannot be done, or nothing.
  [[nodiscard]] std::string start();

  // A socket of the host on that side.
  std::unique_ptr<UdpSocket> socket(Side side, std::uint16_t port) const;

 private:
  std::string add_host(Side side);

  int own_ = -1;
  int hosts_[2] = {-1, -1};
};

}  // namespace connmark::test
