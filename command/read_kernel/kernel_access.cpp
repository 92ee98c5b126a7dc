// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/kernel_access.h"

#include <cerrno>
#include <cstring>

#include "command/refusal.h"

namespace connmark {

void refuse_access(const std::string &what, int error) {
  if (error == EPERM || error == EACCES) {
    throw Refusal(
        "audit: the kernel shows rules to those with CAP_NET_ADMIN only, run it as root, or give "
        "files: --iptables, --nft, --rules");
  }
  throw Refusal("audit: cannot read " + what + ": " + std::strerror(error));
}

}  // namespace connmark
