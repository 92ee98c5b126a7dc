// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace connmark::test {

// A UDP socket of the network namespace in which it is made.
class UdpSocket {
 public:
  // Bound to an address of IPv4 or IPv6 and a port, 0 for any.
  UdpSocket(const std::string &address, std::uint16_t port);
  ~UdpSocket();
  UdpSocket(const UdpSocket &) = delete;
  UdpSocket &operator=(const UdpSocket &) = delete;

  bool is_bound() const { return is_bound_; }
  std::uint16_t port() const;

  // Sends a datagram with this mark; false where it cannot have the mark.
  bool send(const UdpSocket &to, std::uint32_t mark) const;

  // Whether a datagram comes within `milliseconds`; takes it away.
  bool receives(int milliseconds) const;

 private:
  sockaddr_storage own_address() const;

  int socket_ = -1;
  socklen_t size_ = 0;
  bool is_bound_ = false;
};

}  // namespace connmark::test
