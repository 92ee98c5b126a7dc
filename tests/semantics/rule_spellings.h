// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "connmark/operation.h"

namespace connmark::test {

// Ways to type the options of a canonical operation: every option that can make
// it, numbers in three bases, default masks left out, options in other orders,
// abbreviated names, a zero shift of either direction, and mask options that
// have no effect on a set operation, or replace its mask.
std::vector<std::string> spellings(const Operation &op);

}  // namespace connmark::test
