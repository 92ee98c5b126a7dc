// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which options a match or a target has, and which of them take an argument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark {

enum class ExtensionKind : std::uint8_t { kMatch, kTarget };

struct ExtensionOption {
  std::string name;  // without the dashes
  bool takes_argument = false;
  int id = 0;  // two names of one option have one
};

using ExtensionOptions = std::vector<ExtensionOption>;

// The options of the extension that iptables (or for kIpv6 ip6tables) calls
// `name`, as its plugin tells libxtables, which is asked once for each name.  What
// this program reads itself is known without a plugin as well.  Null for what
// nobody knows, and for a name that no plugin may have.
const ExtensionOptions *extension_options(ExtensionKind kind, std::string_view name, Family family);

// 1 to 28 letters, digits, '_' and '-': XT_EXTENSION_MAXNAMELEN without the NUL.
bool is_extension_name(std::string_view name);

}  // namespace connmark
