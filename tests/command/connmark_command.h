// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/command.h"

namespace connmark::test {

// Runs the built command with `words`.
CommandResult run_connmark(const std::vector<std::string> &words, std::string_view input = {},
                           const std::vector<std::string> &environment = {});

std::string connmark_path();
std::string owners_file();

}  // namespace connmark::test
