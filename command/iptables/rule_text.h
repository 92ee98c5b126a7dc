// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/iptables/rule_syntax.h"
#include "command/marks/mark_rule.h"

namespace connmark {

struct RuleText {
  MarkRule rule;
  // The words that are not the target's: "-A CHAIN", where there is a command, then
  // the matches as iptables-save would order them.  What only says how iptables is
  // to be run (-t, -w, -v, -c ...) is left out.  Where not all of them are known,
  // they stand as they were given.
  std::vector<std::string> rest;
  // The lines that iptables would print to standard error.
  std::vector<std::string> warnings;
  OwnOption command = OwnOption::kNone;  // one of -A, -I, -R, -D and -C
  std::string chain;
  std::optional<std::string> table;  // of -t
  std::optional<Family> family;      // of -4, -6, or ip6tables
  std::vector<std::string> target;   // -j and its words
};

// The name behind -j, empty where there is none.
std::string target_of(const std::vector<std::string> &words);

// Reads what follows -j CONNMARK, or a whole rule or command line of iptables whose
// target is CONNMARK or MARK, in any order that iptables takes, with the plugin's
// parser.  What the plugin or iptables refuses is a Refusal, in the plugin's words
// where it is the plugin.  What is not known here of a rule's matches is taken as it
// stands.
RuleText read_rule(const std::vector<std::string> &words);

// The operation of a rule whose target is CONNMARK or MARK, and whose syntax is not
// refused; Refusal in the plugin's words.  Warnings are added to `warnings`.
MarkRule mark_rule_of(const RuleSyntax &syntax, std::vector<std::string> &warnings);

}  // namespace connmark
