// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/veth_router.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "support/command.h"

namespace connmark::test {
namespace {

const char *name(VethRouter::Side side) {
  return side == VethRouter::Side::kLeft ? "left" : "right";
}

std::string network(VethRouter::Side side) {
  return side == VethRouter::Side::kLeft ? "10.0.1." : "10.0.2.";
}

std::string failure(const std::string &what) { return what + ": " + std::strerror(errno); }

bool write_setting(const std::string &path, const char *value) {
  std::ofstream file("/proc/sys/net/" + path);
  file << value;
  file.flush();
  return file.good();
}

// Where there is no IPv6, nothing has to be off.
void leave_out_ipv6() {
  write_setting("ipv6/conf/all/disable_ipv6", "1");
  write_setting("ipv6/conf/default/disable_ipv6", "1");
}

std::string run_all(const std::vector<std::string> &commands) {
  for (const std::string &command : commands) {
    if (const CommandResult result = run(words(command)); result.status != 0) {
      return command + ": " + result.err;
    }
  }
  return "";
}

int own_network() { return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }

}  // namespace

VethRouter::~VethRouter() {
  for (const int file : {own_, hosts_[0], hosts_[1]}) {
    if (file >= 0) close(file);
  }
}

std::string VethRouter::start() {
  leave_out_ipv6();
  if (!write_setting("ipv4/ip_forward", "1")) return failure("cannot forward packets");
  own_ = own_network();
  for (const Side side : {Side::kLeft, Side::kRight}) {
    const std::string why = add_host(side);
    if (setns(own_, CLONE_NEWNET) != 0) return failure("cannot go back to the router");
    if (!why.empty()) return why;
    const std::string link = name(side);
    if (std::string failed = run_all({"ip address add " + network(side) + "1/24 dev " + link,
                                      "ip link set " + link + " up"});
        !failed.empty()) {
      return failed;
    }
  }
  // Each side's address is known to the other before there are rules.
  for (const Side side : {Side::kLeft, Side::kRight}) {
    const std::unique_ptr<UdpSocket> from = socket(side, 0);
    const std::unique_ptr<UdpSocket> to =
        socket(side == Side::kLeft ? Side::kRight : Side::kLeft, 0);
    if (!from->send(*to, 0) || !to->receives(5000)) return "the router does not forward packets";
  }
  return "";
}

std::string VethRouter::add_host(Side side) {
  if (unshare(CLONE_NEWNET) != 0) return failure("cannot make a network namespace");
  hosts_[static_cast<int>(side)] = own_network();
  leave_out_ipv6();
  const std::string router = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(own_);
  return run_all(
      {"ip link add far type veth peer name " + std::string(name(side)) + " netns " + router,
       "ip address add " + network(side) + "2/24 dev far", "ip link set far up",
       "ip route add default via " + network(side) + "1"});
}

std::unique_ptr<UdpSocket> VethRouter::socket(Side side, std::uint16_t port) const {
  setns(hosts_[static_cast<int>(side)], CLONE_NEWNET);
  auto result = std::make_unique<UdpSocket>(network(side) + "2", port);
  setns(own_, CLONE_NEWNET);
  return result;
}

}  // namespace connmark::test
