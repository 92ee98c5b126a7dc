// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/audit_inputs.h"

#include <algorithm>
#include <filesystem>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

const char *built_in_chains(const std::string &table) {
  if (table == "mangle") return "PREROUTING INPUT FORWARD OUTPUT POSTROUTING";
  if (table == "nat") return "PREROUTING INPUT OUTPUT POSTROUTING";
  return table == "raw" ? "PREROUTING OUTPUT" : "INPUT FORWARD OUTPUT";
}

}  // namespace

std::string saved_table(const std::string &table, const std::string &chains,
                        const std::string &rules) {
  std::string text = "*" + table + "\n";
  for (const std::string &chain : words(built_in_chains(table))) text += ":" + chain + " ACCEPT\n";
  for (const std::string &chain : words(chains)) text += ":" + chain + " -\n";
  return text + rules + "COMMIT\n";
}

std::vector<std::string> AuditResult::ids(bool hints) const {
  std::vector<std::string> ids;
  for (const Json &finding : json.at("findings")) {
    if (hints || finding.at("severity") == "problem") ids.push_back(finding.at("id"));
  }
  return ids;
}

Json AuditResult::finding(const std::string &id) const {
  for (const Json &finding : json.at("findings")) {
    if (finding.at("id") == id) return finding;
  }
  return nullptr;
}

AuditResult audit(std::vector<std::string> words, const std::string &input) {
  words.insert(words.begin(), {"audit", "--json", "--owners", owners_file()});
  const CommandResult result = run_connmark(words, input);
  AuditResult audited{.status = result.status, .err = result.err, .json = nullptr};
  if (result.status != 2) audited.json = Json::parse(result.out);
  return audited;
}

AuditResult audit_rules(const std::string &rules, std::vector<std::string> words) {
  words.insert(words.end(), {"--iptables", "-"});
  return audit(words, rules);
}

Json if_nft_takes_two_marks(const std::string &statement) {
  const CommandResult written = run_connmark({"translate", "--save-mark", "--mask", "3"});
  return written.out.find(" or meta mark ") == std::string::npos ? Json() : Json(statement);
}

std::string ruleset_file(const std::string &name) {
  return CONNMARK_RULESETS "/" + name + ".rules";
}

std::vector<std::string> ruleset_names() {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(CONNMARK_RULESETS)) {
    if (entry.path().extension() == ".rules") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace connmark::test
