// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/findings_text.h"

#include <algorithm>

#include "command/output/terminal.h"
#include "command/owners/owner_names.h"
#include "command/report/pairs_text.h"
#include "command/report/rule_place.h"

namespace connmark {
namespace {

const char *name(Severity severity) { return severity == Severity::kProblem ? "problem" : "hint"; }

// "rules.v4:12: ip mangle PREROUTING, rule 3"
std::string place(const Analysis &analysis, const FindingRule &found) {
  if (found.is_policy) {
    return analysis.ruleset.inputs[analysis.ruleset.policy_rules[found.rule].input].name;
  }
  return place_text(analysis.ruleset, analysis.ruleset.rules[found.rule]);
}

const std::string &text_of(const Analysis &analysis, const FindingRule &found) {
  return found.is_policy ? analysis.ruleset.policy_rules[found.rule].text
                         : analysis.ruleset.rules[found.rule].text;
}

Json rule_json(const Analysis &analysis, const FindingRule &found) {
  Json json;
  if (found.is_policy) {
    const PolicyRule &rule = analysis.ruleset.policy_rules[found.rule];
    json["input"] = analysis.ruleset.inputs[rule.input].name;
    json["family"] = name(rule.family);
  } else {
    const Rule &rule = analysis.ruleset.rules[found.rule];
    const Chain &chain = analysis.ruleset.chains[rule.chain];
    json["input"] = analysis.ruleset.inputs[chain.input].name;
    json["line"] = rule.line == 0 ? Json() : Json(rule.line);
    json["family"] = name(chain.family);
    json["table"] = chain.table;
    json["chain"] = chain.name;
    json["number"] = rule.number == 0 ? Json() : Json(rule.number);
  }
  json["rule"] = text_of(analysis, found);
  json["better"] = found.better.empty() ? Json() : Json(found.better);
  return json;
}

std::string counted(std::size_t count, const char *what) {
  std::string text = std::to_string(count);
  text.append(" ").append(what);
  if (count != 1) text += 's';
  return text;
}

std::size_t count_of(const std::vector<Finding> &findings, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

}  // namespace

std::string findings_text(const Analysis &analysis, const std::vector<Finding> &findings,
                          bool with_colour) {
  std::string text;
  for (const Finding &finding : findings) {
    const Colour colour = finding.severity == Severity::kProblem ? Colour::kRed : Colour::kYellow;
    text +=
        painted(std::string(name(finding.severity)) + " " + name(finding.id), colour, with_colour) +
        ": " + printable(finding.text) + "\n";
    for (const FindingRule &rule : finding.rules) {
      text += "  " + printable(place(analysis, rule)) + "\n    " +
              printable(text_of(analysis, rule)) + "\n";
      if (!rule.better.empty()) {
        text +=
            "  better:\n    " + painted(printable(rule.better), Colour::kGreen, with_colour) + "\n";
      }
    }
    if (finding.more_rules != 0) {
      text += "  and " + counted(finding.more_rules, "more rule") + " like this\n";
    }
    for (const std::string &cure : finding.cures) text += "  cure: " + printable(cure) + "\n";
    text += verdicts_text(analysis, finding) + "\n";
  }
  return text;
}

Json findings_json(const Analysis &analysis, const std::vector<Finding> &findings) {
  Json json = Json::array();
  for (const Finding &finding : findings) {
    Json entry{{"id", name(finding.id)}, {"severity", name(finding.severity)}};
    entry["text"] = finding.text;
    entry["mark"] = finding.mark ? Json(owner(*finding.mark)) : Json();
    entry["bits"] = finding.bits;
    entry["owner"] = finding.owner ? Json(analysis.owner_name(*finding.owner)) : Json();
    entry["hurt"] = Json::array();
    for (const OwnerIndex hurt : finding.hurt) entry["hurt"].push_back(analysis.owner_name(hurt));
    entry["rules"] = Json::array();
    for (const FindingRule &rule : finding.rules)
      entry["rules"].push_back(rule_json(analysis, rule));
    entry["pairs"] = verdicts_json(analysis, finding);
    entry["more_rules"] = finding.more_rules;
    entry["cures"] = finding.cures;
    json.push_back(std::move(entry));
  }
  return json;
}

std::string summary_text(const Analysis &analysis, const std::vector<Finding> &findings) {
  const auto about_marks =
      static_cast<std::size_t>(std::ranges::count_if(analysis.ruleset.rules, &Rule::touches_marks));
  const auto routing = static_cast<std::size_t>(
      std::ranges::count_if(analysis.ruleset.policy_rules, &PolicyRule::looks_at_mark));
  return counted(count_of(findings, Severity::kProblem), "problem") + " and " +
         counted(count_of(findings, Severity::kHint), "hint") + " in " +
         counted(about_marks, "rule") + " and " + counted(routing, "routing rule") +
         " that have to do with marks\n";
}

}  // namespace connmark
