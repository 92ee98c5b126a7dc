// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace connmark {

// Throws the Refusal for `error` (of errno) in reading `what`.
[[noreturn]] void refuse_access(const std::string &what, int error);

}  // namespace connmark
