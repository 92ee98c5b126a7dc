// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/private_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace connmark::test {
namespace {

bool write_file(const char *path, const std::string &text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = write(file, text.data(), text.size());
  close(file);
  return size == static_cast<ssize_t>(text.size());
}

// Root inside the new namespace is whoever runs the test.
bool map_to_root(uid_t user, gid_t group) {
  return write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
         write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

std::string failure(const std::string &what) { return what + ": " + std::strerror(errno); }

std::string unshare_network() {
  static bool owns_user_namespace = false;
  if (owns_user_namespace) {
    return unshare(CLONE_NEWNET) == 0 ? "" : failure("cannot make a network namespace");
  }
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
    if (!map_to_root(user, group)) return failure("cannot map the user into a user namespace");
    owns_user_namespace = true;
    return "";
  }
  const std::string in_user_namespace = failure("with a user namespace");
  if (unshare(CLONE_NEWNET) == 0) return "";
  return "cannot make a network namespace: " + in_user_namespace + "; " + failure("without one");
}

std::string bring_loopback_up() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = socket >= 0 && ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  const std::string result = up ? "" : failure("cannot bring the loopback interface up");
  if (socket >= 0) close(socket);
  return result;
}

// Removed when the process ends.
struct LockFile {
  std::string path = (std::filesystem::temp_directory_path() / "connmark-lock-XXXXXX").string();

  LockFile() { close(mkstemp(path.data())); }
  ~LockFile() { unlink(path.c_str()); }
};

}  // namespace

std::string program(Family family, const std::string &back_end_and_verb) {
  return (family == Family::kIpv4 ? "iptables-" : "ip6tables-") + back_end_and_verb;
}

std::string enter_private_network() {
  if (std::string why = unshare_network(); !why.empty()) return why;
  if (std::string why = bring_loopback_up(); !why.empty()) return why;
  static const LockFile lock_file;
  setenv("XTABLES_LOCKFILE", lock_file.path.c_str(), 1);
  setenv("XTABLES_LIBDIR", plugin_search_path().c_str(), 1);
  return "";
}

void send_packet(Family family, Tracking tracking) {
  const bool ipv4 = family == Family::kIpv4;
  sockaddr_in address4{};
  address4.sin_family = AF_INET;
  address4.sin_port = htons(9);
  address4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 address6{};
  address6.sin6_family = AF_INET6;
  address6.sin6_port = htons(9);
  address6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  const bool raw = tracking == Tracking::kInvalid;
  const udphdr header{.source = htons(1), .dest = htons(9), .len = htons(1000), .check = 0};
  const char payload = 'x';
  if (raw) address6.sin6_port = 0;  // of a raw socket, this would be a protocol
  const int socket = ::socket(ipv4 ? AF_INET : AF_INET6,
                              (raw ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC, IPPROTO_UDP);
  sendto(socket, raw ? static_cast<const void *>(&header) : &payload,
         raw ? sizeof header : sizeof payload, 0,
         ipv4 ? reinterpret_cast<sockaddr *>(&address4) : reinterpret_cast<sockaddr *>(&address6),
         ipv4 ? sizeof address4 : sizeof address6);
  close(socket);
}

std::string plugin_folder() { return CONNMARK_PLUGIN_DIR; }

std::string stock_plugin_folder() { return CONNMARK_XTLIBDIR; }

std::string plugin_search_path() { return plugin_folder() + ":" + stock_plugin_folder(); }

}  // namespace connmark::test
