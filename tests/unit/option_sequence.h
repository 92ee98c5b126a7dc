// SPDX-License-Identifier: GPL-2.0-or-later
//
// Options read one after the other, by callers that need not be iptables: the
// bytes and the number that they hand over may be any.
#pragma once

#include <array>
#include <string>

#include "connmark/options.h"
#include "connmark/wire.h"

namespace connmark::test {

struct GivenOption {
  OptionId id;
  std::string argument;
  bool inverted = false;
  bool forgets = false;  // the caller zeroes its number before it
};

// What a caller of libxtables keeps of a rule.
struct KeptRule {
  unsigned int flags = 0;
  std::array<unsigned char, kWireSize> bytes = {};

  bool operator==(const KeptRule &) const = default;
};

// Both read one option and return whether it was taken: by parse_option alone, and
// as the plugin does, which tries read_saved_option first.
bool read_the_long_way(Revision revision, const GivenOption &given, KeptRule &rule);
bool read_as_the_plugin(Revision revision, const GivenOption &given, KeptRule &rule);

// The bytes that an option that is taken makes of `rule`, from the table of what
// the options mean and the kernel's header: what is not the option's stays.
std::array<unsigned char, kWireSize> by_the_table(Revision revision, const GivenOption &given,
                                                  const KeptRule &rule);

std::string to_string(const GivenOption &given);
std::string to_string(const KeptRule &rule);

}  // namespace connmark::test
