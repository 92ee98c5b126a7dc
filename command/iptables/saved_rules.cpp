// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/saved_rules.h"

#include "command/iptables/rule_words.h"
#include "command/refusal.h"

namespace connmark {
namespace {

[[noreturn]] void refuse(int number, const std::string &line) {
  throw Refusal("line " + std::to_string(number) + ": \"" + line +
                "\" is not of an iptables-save text");
}

std::string without_counters(const std::string &line) {
  if (!line.starts_with('[')) return line;
  const std::size_t end = line.find("] ");
  return end == line.npos ? line : line.substr(end + 2);
}

SavedRule read_rule_line(int number, const std::string &line, const std::string &table) {
  SavedRule rule{number, table, "", {}};
  rule.words = rule_words(without_counters(line));
  if (table.empty() || rule.words.size() < 2 || rule.words[0] != "-A") refuse(number, line);
  rule.chain = rule.words[1];
  return rule;
}

}  // namespace

SavedRules read_saved_rules(std::istream &in) {
  SavedRules result;
  std::string table;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    if (line[0] == '#') {
      if (line.find("ip6tables") != line.npos) result.ipv6 = true;
    } else if (line[0] == '*') {
      table = line.substr(1);
    } else if (line[0] == ':') {
      result.chains.push_back(line.substr(1, line.find(' ') - 1));
    } else if (line == "COMMIT") {
      table.clear();
    } else {
      result.rules.push_back(read_rule_line(number, line, table));
    }
  }
  if (in.bad()) throw Refusal("standard input: cannot be read");
  return result;
}

}  // namespace connmark
