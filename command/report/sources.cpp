// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/sources.h"

#include <algorithm>

#include "command/output/terminal.h"

namespace connmark {
namespace {

const char *reason(Gap gap) {
  switch (gap) {
    case Gap::kAbsent:
      return "not in this kernel";
    case Gap::kNotGiven:
      return "not given";
    case Gap::kNotPermitted:
      return "not permitted";
    case Gap::kUnreadable:
      return "cannot be read";
    case Gap::kSkipped:
      break;
  }
  return "skipped";
}

}  // namespace

std::string sources_text(const Ruleset &ruleset) {
  std::string text = "Looked at:\n";
  for (const Input &input : ruleset.inputs) {
    text += "  " + printable(input.name) + ": " + std::to_string(input.rules) +
            (input.is_sysctls ? " interface" : " rule") + (input.rules == 1 ? "\n" : "s\n");
  }
  if (ruleset.inputs.empty()) text += "  nothing\n";
  if (ruleset.not_looked_at.empty()) return text;
  text += "Not looked at:\n";
  for (const Omission &each : ruleset.not_looked_at) {
    text += "  " + printable(each.name) + ": " + reason(each.gap);
    if (!each.why.empty()) text += ", " + printable(each.why);
    text += "\n";
  }
  return text;
}

void add_sources(const Ruleset &ruleset, Json &json) {
  json["looked_at"] = Json::array();
  for (const Input &input : ruleset.inputs) {
    json["looked_at"].push_back({{"name", input.name},
                                 {"nft", input.is_nft},
                                 {input.is_sysctls ? "interfaces" : "rules", input.rules}});
  }
  json["not_looked_at"] = Json::array();
  for (const Omission &each : ruleset.not_looked_at) {
    json["not_looked_at"].push_back({{"name", each.name},
                                     {"reason", reason(each.gap)},
                                     {"why", each.why.empty() ? Json() : Json(each.why)},
                                     {"incomplete", each.leaves_incomplete()}});
  }
}

bool is_incomplete(const Ruleset &ruleset) {
  return std::ranges::any_of(ruleset.not_looked_at, &Omission::leaves_incomplete);
}

}  // namespace connmark
