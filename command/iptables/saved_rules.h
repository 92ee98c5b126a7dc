// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <istream>
#include <string>
#include <vector>

namespace connmark {

// One -A line of iptables-save, without its counters.
struct SavedRule {
  int line = 0;  // counted from 1
  std::string table;
  std::string chain;
  std::vector<std::string> words;  // beginning with -A CHAIN
  bool ipv6 = false;               // ip6tables' rule
};

struct SavedRules {
  std::vector<std::string> chains;
  std::vector<SavedRule> rules;
};

// Reads the output of iptables-save or ip6tables-save, or of several of them one
// behind the other: the rules whose target is CONNMARK or MARK.  Any other text,
// and one without a table, is a Refusal that names `name` and the line.
SavedRules read_saved_rules(std::istream &in, const std::string &name);

// The rule of a command line such as "iptables -t mangle -A PREROUTING ... -j MARK
// ...", in any order that iptables takes.  Refusal for another command than -A.
SavedRule saved_rule(const std::vector<std::string> &words);

}  // namespace connmark
