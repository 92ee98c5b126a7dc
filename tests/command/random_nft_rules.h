// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "support/random_rules.h"

namespace connmark::test {

// A table `name` of nft, drawn from a grammar of its statements, that every nft
// from 1.0.6 on takes: sets, maps, chains that call one another, and rules that
// test and write marks among all that such rules look at.
std::string random_nft_table(RandomRules &random, const std::string &name);

}  // namespace connmark::test
