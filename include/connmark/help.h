// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdio>

#include "connmark/wire.h"

namespace connmark {

// Writes what iptables -j CONNMARK --help shows of this target to `out`: a
// heading and one line for each option that `revision` has.
void print_help(Revision revision, std::FILE *out);

}  // namespace connmark
