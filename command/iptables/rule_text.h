// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "command/marks/mark_rule.h"

namespace connmark {

struct RuleText {
  MarkRule rule;
  // The words that are not the target's: command, chain and matches.
  std::vector<std::string> rest;
  // The lines that iptables would print to standard error.
  std::vector<std::string> warnings;
};

// The name behind -j, empty where there is none.
std::string target_of(const std::vector<std::string> &words);

// Reads what follows -j CONNMARK, or a whole rule whose target is CONNMARK or
// MARK, with the parser of the plugin and with getopt_long, so that neither
// numbers nor abbreviated options can be read differently.  What the plugin
// refuses is a Refusal with the plugin's words.
//
// The target's options stand between its name and the next -m: the options of
// matches may have the same names.
RuleText read_rule(const std::vector<std::string> &words);

}  // namespace connmark
