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
};

struct SavedRules {
  bool ipv6 = false;  // a comment says ip6tables-save
  std::vector<std::string> chains;
  std::vector<SavedRule> rules;
};

// Reads the output of iptables-save or ip6tables-save.  Any other text is a
// Refusal that names the line.
SavedRules read_saved_rules(std::istream &in);

}  // namespace connmark
