// SPDX-License-Identifier: GPL-2.0-or-later
//
// Texts for connmark audit, and what it answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace connmark::test {

using Json = nlohmann::json;

// A table of iptables-save.  `chains` are those of the user, with blanks between.
std::string saved_table(const std::string &table, const std::string &chains,
                        const std::string &rules);

struct AuditResult {
  int status = -1;
  std::string err;
  Json json;

  // The ids, in their order; with `hints` also those of hints.
  std::vector<std::string> ids(bool hints = false) const;
  // The first finding with this id; null if there is none.
  Json finding(const std::string &id) const;
};

// Runs connmark audit --json with the list of known software in the sources.
AuditResult audit(std::vector<std::string> words, const std::string &input = {});

// The same with `rules` as --iptables.
AuditResult audit_rules(const std::string &rules, std::vector<std::string> words = {});

// `statement`, or null where the nft or the kernel here does not take both marks on
// its right side.
Json if_nft_takes_two_marks(const std::string &statement);

// tests/command/rulesets/NAME.rules
std::string ruleset_file(const std::string &name);
std::vector<std::string> ruleset_names();

}  // namespace connmark::test
