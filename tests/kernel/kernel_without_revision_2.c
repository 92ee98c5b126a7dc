// SPDX-License-Identifier: GPL-2.0-or-later
//
// Preloaded into iptables, this makes the kernel look like one before 4.17, whose CONNMARK has
// revision 1 only.
//
// Front ends ask the kernel which revisions it has, the legacy ones by getsockopt, the nft ones by
// a netlink message. A question after revision 2 becomes one after revision 255, so that the
// kernel's own answer is that of an older kernel. And an older kernel takes no rule of revision 2.
#define _GNU_SOURCE
// The C library's network headers come first: the kernel's leave out what they find declared.
// clang-format off
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netlink.h>
// clang-format on

enum { kMissing = 2, kNonexistent = 255 };

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size) {
  int (*real)(int, int, int, void *, socklen_t *) = next("getsockopt");
  if ((level == IPPROTO_IP && name == IPT_SO_GET_REVISION_TARGET) ||
      (level == IPPROTO_IPV6 && name == IP6T_SO_GET_REVISION_TARGET)) {
    struct xt_get_revision *question = value;
    if (strcmp(question->name, "CONNMARK") == 0 && question->revision == kMissing) {
      question->revision = kNonexistent;
    }
  }
  return real(fd, level, name, value, size);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  int (*real)(int, int, int, const void *, socklen_t) = next("setsockopt");
  if ((level == IPPROTO_IP && name == IPT_SO_SET_REPLACE) ||
      (level == IPPROTO_IPV6 && name == IP6T_SO_SET_REPLACE)) {
    // The revision comes right after the name.
    static const char target[XT_EXTENSION_MAXNAMELEN] = "CONNMARK";
    const char *end = (const char *)value + size;
    const char *at = value;
    while ((at = memmem(at, (size_t)(end - at), target, sizeof target)) != NULL) {
      at += sizeof target;
      if (at < end && *at == kMissing) {
        errno = ENOENT;
        return -1;
      }
    }
  }
  return real(fd, level, name, value, size);
}

// The revision asked after in an nft_compat message, big endian; NULL when this is no question
// about CONNMARK.
static uint32_t *revision_asked(void *message, size_t size) {
  const struct nlmsghdr *header = message;
  if (size < sizeof *header + sizeof(struct nfgenmsg) ||
      header->nlmsg_type != (NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET)) {
    return NULL;
  }
  uint32_t *revision = NULL;
  int about_connmark = 0;
  for (size_t at = sizeof *header + sizeof(struct nfgenmsg); at + sizeof(struct nlattr) <= size;) {
    struct nlattr *attribute = (struct nlattr *)((char *)message + at);
    void *payload = attribute + 1;
    if (attribute->nla_type == NFTA_COMPAT_NAME) about_connmark = strcmp(payload, "CONNMARK") == 0;
    if (attribute->nla_type == NFTA_COMPAT_REV) revision = payload;
    at += NLMSG_ALIGN(attribute->nla_len);
  }
  return about_connmark ? revision : NULL;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size) {
  ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
      next("sendto");
  uint32_t copy[256];
  if (size <= sizeof copy) {
    memcpy(copy, bytes, size);
    uint32_t *revision = revision_asked(copy, size);
    if (revision != NULL && *revision == htonl(kMissing)) {
      *revision = htonl(kNonexistent);
      return real(fd, copy, size, flags, to, to_size);
    }
  }
  return real(fd, bytes, size, flags, to, to_size);
}
