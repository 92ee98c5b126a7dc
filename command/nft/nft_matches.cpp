// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each rule is given a jump to a chain with its own number as a target: that
// tells the lines of the answer apart, and where the matches end.
#include "command/nft/nft_matches.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <span>
#include <sstream>

#include "command/iptables/rule_words.h"
#include "command/other_program.h"

namespace connmark {
namespace {

constexpr std::string_view kMark = "counter jump rule_";

bool has_matches(const ChainAndMatches &rule) { return rule.words.size() > 2; }

void read_answer(std::string_view line, std::span<const ChainAndMatches> rules, bool ipv6,
                 std::span<std::optional<NftMatches>> result) {
  const std::size_t mark = line.find(kMark);
  if (mark == line.npos || !line.starts_with("add rule ")) return;
  std::size_t end = mark + kMark.size();
  std::size_t number = 0;
  for (; end < line.size() && std::isdigit(static_cast<unsigned char>(line[end])) != 0; ++end) {
    number = number * 10 + static_cast<std::size_t>(line[end] - '0');
  }
  if (number >= rules.size()) return;
  const ChainAndMatches &rule = rules[number];
  const std::string head =
      (ipv6 ? "add rule ip6 " : "add rule ip ") + rule.table + " " + rule.chain + " ";
  if (!line.starts_with(head) || head.size() > mark) return;
  result[number] = NftMatches{std::string(line.substr(head.size(), mark - head.size())),
                              std::string(line.substr(end))};
}

void ask(std::span<const ChainAndMatches> rules, bool ipv6,
         std::span<std::optional<NftMatches>> result) {
  std::map<std::string, std::string> tables;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!has_matches(rules[i])) continue;
    tables[rules[i].table] += rule_line(rules[i].words) + " -j rule_" + std::to_string(i) + "\n";
  }
  if (tables.empty()) return;
  std::string input;
  for (const auto &[table, lines] : tables) input += "*" + table + "\n" + lines + "COMMIT\n";
  const auto answer = output_of_program(
      {ipv6 ? "ip6tables-restore-translate" : "iptables-restore-translate", "-f", "/dev/stdin"},
      input);
  if (answer) {
    std::istringstream in(*answer);
    for (std::string line; std::getline(in, line);) read_answer(line, rules, ipv6, result);
  } else if (rules.size() > 1) {
    // One rule that it cannot read spoils all of them.
    for (std::size_t i = 0; i < rules.size(); ++i) {
      ask(rules.subspan(i, 1), ipv6, result.subspan(i, 1));
    }
  }
}

}  // namespace

std::vector<std::optional<NftMatches>> nft_matches(const std::vector<ChainAndMatches> &rules,
                                                   bool ipv6) {
  std::vector<std::optional<NftMatches>> result(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!has_matches(rules[i])) result[i].emplace();
  }
  ask(rules, ipv6, result);
  return result;
}

}  // namespace connmark
