// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "command/subcommands/subcommand.h"

namespace connmark {

// connmark translate [--nft-version V] [OPTIONS...]: rules in nft.
void add_translate(CLI::App &app, ExitStatus &status);

}  // namespace connmark
