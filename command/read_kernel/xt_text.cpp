// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/xt_text.h"

// clang-format off: net/if.h of libc has to come before linux/if.h.
#include <net/if.h>
// clang-format on

#include <arpa/inet.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <netdb.h>
#include <xtables.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "command/iptables/xtables_library.h"

namespace connmark {
namespace {

// Any plugin's data, with room behind it for a plugin that reads more than the
// kernel has sent.
constexpr std::size_t kRoom = 1024;

template <typename Entry>
struct Request {
  const char *name = nullptr;
  std::uint8_t family = 0;
  int revision = 0;
  const void *ip = nullptr;
  Entry *entry = nullptr;
  bool found = false;
};

void print_match(void *data) {
  auto &request = *static_cast<Request<xt_entry_match> *>(data);
  xtables_set_nfproto(request.family);
  xtables_match *match = xtables_find_match(request.name, XTF_TRY_LOAD, nullptr);
  if (match != nullptr && match->revision != request.revision) {
    match = xtables_find_match_revision(request.name, XTF_TRY_LOAD, match, request.revision);
  }
  if (match == nullptr) return;
  request.found = true;
  std::printf(" -m %s", match->alias != nullptr ? match->alias(request.entry) : request.name);
  if (match->save != nullptr) match->save(request.ip, request.entry);
}

void print_target(void *data) {
  auto &request = *static_cast<Request<xt_entry_target> *>(data);
  xtables_set_nfproto(request.family);
  xtables_target *target = xtables_find_target(request.name, XTF_TRY_LOAD);
  if (target != nullptr && target->revision != request.revision) {
    target = xtables_find_target_revision(request.name, XTF_TRY_LOAD, target, request.revision);
  }
  if (target == nullptr) return;
  request.found = true;
  std::printf(" -j %s", target->alias != nullptr ? target->alias(request.entry) : request.name);
  if (target->save != nullptr) target->save(request.ip, request.entry);
}

std::string trimmed(std::string text) {
  // Some older plugins end in a blank, which iptables-save does not print.
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

template <typename Entry>
std::string printed(const char *option, Family family, std::uint8_t protocol,
                    const XtExtension &extension, void (*print)(void *)) {
  std::string unreadable = " ";
  unreadable.append(option).append(" ").append(extension.name).append(" [...]");
  XtablesLibrary &library = XtablesLibrary::instance();
  const bool ipv6 = family == Family::kIpv6;
  if (!library.usable() || (family != Family::kIpv4 && !ipv6)) return unreadable;

  const std::size_t head = XT_ALIGN(sizeof(Entry));
  // Of a type that suits any entry's alignment.
  std::vector<std::uint64_t> memory((head + extension.data.size() + kRoom) / 8 + 1);
  auto *const entry = reinterpret_cast<Entry *>(memory.data());
  std::ranges::copy(extension.data, reinterpret_cast<std::byte *>(memory.data()) + head);
  // match_size or target_size, which some plugins look at.
  const auto size = static_cast<std::uint16_t>(head + extension.data.size());
  std::memcpy(entry, &size, sizeof size);
  extension.name.copy(entry->u.user.name, sizeof entry->u.user.name - 1);
  entry->u.user.revision = extension.revision;

  ipt_ip ip4 = {};
  ip6t_ip6 ip6 = {};
  ip4.proto = protocol;
  ip6.proto = protocol;
  Request<Entry> request;
  request.name = extension.name.c_str();
  request.family = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
  request.revision = extension.revision;
  request.ip = ipv6 ? static_cast<const void *>(&ip6) : &ip4;
  request.entry = entry;
  const bool whole = library.call(print, &request);
  return whole && request.found ? trimmed(library.text()) : unreadable;
}

}  // namespace

std::string match_text(Family family, std::uint8_t protocol, const XtExtension &match) {
  return printed<xt_entry_match>("-m", family, protocol, match, print_match);
}

std::string target_text(Family family, std::uint8_t protocol, const XtExtension &target) {
  return printed<xt_entry_target>("-j", family, protocol, target, print_target);
}

std::string protocol_text(std::uint8_t protocol) {
  // Those of libxtables, whose own table has another size in each release, so that a
  // program must not be linked to it.
  struct Named {
    const char *name;
    std::uint8_t number;
  };
  constexpr Named kNames[] = {
      {"tcp", IPPROTO_TCP},         {"sctp", IPPROTO_SCTP}, {"udp", IPPROTO_UDP},
      {"udplite", IPPROTO_UDPLITE}, {"icmp", IPPROTO_ICMP}, {"ipv6-icmp", IPPROTO_ICMPV6},
      {"esp", IPPROTO_ESP},         {"ah", IPPROTO_AH},     {"mobility-header", IPPROTO_MH}};
  for (const Named &each : kNames) {
    if (each.number == protocol) return each.name;
  }
  const protoent *const named = getprotobynumber(protocol);
  return named != nullptr ? named->p_name : std::to_string(protocol);
}

std::string address_text(const char *option, Family family, const void *address, const void *mask,
                         bool inverted) {
  const bool ipv6 = family == Family::kIpv6;
  const std::size_t size = ipv6 ? 16 : 4;
  const auto *const bytes = static_cast<const std::uint8_t *>(mask);
  int length = 0;
  while (length < static_cast<int>(size) * 8 && (bytes[length / 8] & (0x80 >> (length % 8))) != 0) {
    ++length;
  }
  bool is_length = true;
  for (int bit = length; bit < static_cast<int>(size) * 8; ++bit) {
    if ((bytes[bit / 8] & (0x80 >> (bit % 8))) != 0) is_length = false;
  }
  if (length == 0 && is_length && !inverted) return {};
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, text, sizeof text);
  std::string result = std::string(inverted ? " ! " : " ") + option + " " + text + "/";
  if (is_length) return result + std::to_string(length);
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, mask, text, sizeof text);
  return result + text;
}

}  // namespace connmark
