// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/subcommands/subcommand.h"

namespace connmark {

void add_audit(CLI::App &app, ExitStatus &status);

}  // namespace connmark
