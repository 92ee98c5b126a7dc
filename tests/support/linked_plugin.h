// SPDX-License-Identifier: GPL-2.0-or-later
//
// The plugin's callbacks, called in this process as libxtables calls them, on
// bytes and words that no kernel and no user need to have agreed to.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "connmark/wire.h"

namespace connmark::test {

inline constexpr Revision kRevisions[] = {Revision::k1, Revision::k2};

// What the kernel holds of a rule.  Every callback below sees the bytes at the
// end of a page, with nothing behind it: reading on crashes the test.
using WireBytes = std::array<unsigned char, kWireSize>;

Operation decoded(Revision revision, const WireBytes &bytes);
void encode_into(Revision revision, const Operation &op, WireBytes &bytes);

// What iptables-save and iptables -L print of the target's part of a rule.
std::string printed_by_save(Revision revision, const WireBytes &bytes);
std::string printed_by_list(Revision revision, const WireBytes &bytes);

// The nft statement, or nothing where the plugin has none.
std::optional<std::string> translated(Revision revision, const WireBytes &bytes);

struct ParsedRule {
  bool accepted = false;
  std::string error;     // why not
  std::string warnings;  // what went to stderr
  WireBytes bytes = {};
};

// Reads what follows "-j CONNMARK" of a command line.  A word that is neither an
// option of the target nor a "!" is an error, as a command line is that goes on
// behind "--".
ParsedRule parsed(Revision revision, std::vector<std::string> words);

// Calls the plugin's parse with option `c` of its table, as a caller that keeps
// `flags` and `bytes` of a rule, and has made both as it likes.  Returns whether
// the option was taken.
bool takes_option(Revision revision, int c, std::string argument, bool inverted,
                  unsigned int &flags, WireBytes &bytes);

}  // namespace connmark::test
