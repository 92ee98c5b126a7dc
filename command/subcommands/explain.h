// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/subcommands/subcommand.h"

namespace connmark {

// connmark explain OPTIONS...: what a rule does to each bit.
void add_explain(CLI::App &app, ExitStatus &status);

}  // namespace connmark
