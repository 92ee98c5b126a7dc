// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/udp_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

namespace connmark::test {

UdpSocket::UdpSocket(const std::string &address, std::uint16_t port) {
  sockaddr_storage own{};
  auto &ipv4 = reinterpret_cast<sockaddr_in &>(own);
  auto &ipv6 = reinterpret_cast<sockaddr_in6 &>(own);
  if (inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    size_ = sizeof ipv4;
  } else if (inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    size_ = sizeof ipv6;
  }
  socket_ = ::socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  is_bound_ = bind(socket_, reinterpret_cast<const sockaddr *>(&own), size_) == 0;
}

UdpSocket::~UdpSocket() { close(socket_); }

sockaddr_storage UdpSocket::own_address() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &length);
  return address;
}

std::uint16_t UdpSocket::port() const {
  const sockaddr_storage address = own_address();
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in &>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6 &>(address).sin6_port);
}

bool UdpSocket::send(const UdpSocket &to, std::uint32_t mark) const {
  if (setsockopt(socket_, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) return false;
  const sockaddr_storage address = to.own_address();
  // A packet that a rule drops is an error to its sender.
  static_cast<void>(
      sendto(socket_, "x", 1, 0, reinterpret_cast<const sockaddr *>(&address), size_));
  return true;
}

bool UdpSocket::receives(int milliseconds) const {
  pollfd each{.fd = socket_, .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&each, 1, milliseconds) == 1 && recv(socket_, &byte, 1, MSG_DONTWAIT) == 1;
}

}  // namespace connmark::test
