// SPDX-License-Identifier: GPL-2.0-or-later
//
// Programs of other Debian releases, run on this kernel.
#pragma once

#include <string>
#include <vector>

namespace connmark::test {

// What tests/roots/make-root answered.
struct DebianRoot {
  std::string path;     // of the root, or empty and
  std::string skipped;  // why it cannot be made here, or empty and
  std::string failed;   // what went wrong
};

// To be called before the private network is entered: packages come over the
// network.  Takes a minute the first time, and nothing later.
DebianRoot make_debian_root(const std::string &suite);

// `argv` as a command that runs inside the root, where iptables and nft find
// the plugin under test before their own.
std::vector<std::string> in_root(const DebianRoot &root, const std::vector<std::string> &argv);

}  // namespace connmark::test
