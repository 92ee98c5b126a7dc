// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace connmark::test {

enum class NftAge {
  kOneSource,  // older than 1.1.2, which was the first to take two marks on a right side
  kTwoSources,
};

// A command that runs an nft of some age, with the plugin under test.
struct NftRelease {
  std::vector<std::string> command;  // or empty and
  std::string skipped;               // why there is none here, or empty and
  std::string failed;                // what went wrong
};

// This machine's nft if it is of that age, else that of a Debian root.  To be
// called before the private network is entered, since a root's packages come
// over the network.
NftRelease find_nft(NftAge age);

}  // namespace connmark::test
