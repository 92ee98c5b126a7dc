// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/kernel_access.h"

#include <cerrno>
#include <cstring>

namespace connmark {

void refuse_access(int error) {
  if (error == EPERM || error == EACCES) {
    throw AccessRefusal("the kernel shows it to those with CAP_NET_ADMIN only");
  }
  throw Refusal(std::strerror(error));
}

}  // namespace connmark
