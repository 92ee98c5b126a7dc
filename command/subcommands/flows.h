// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/subcommands/subcommand.h"

namespace connmark {

// connmark flows: how many live connections carry which mark.
void add_flows(CLI::App &app, ExitStatus &status);

}  // namespace connmark
