// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/pairs_text.h"

#include <algorithm>

#include "command/output/terminal.h"
#include "command/report/witness_way.h"

namespace connmark {
namespace {

constexpr std::size_t kWitnessesShown = 10;
constexpr std::size_t kPairsShown = 50;

const char *name(PairVerdict verdict) {
  switch (verdict) {
    case PairVerdict::kApart:
      return "apart";
    case PairVerdict::kKeptAway:
      return "kept-away";
    case PairVerdict::kWitness:
      return "witness";
    case PairVerdict::kUndecided:
      break;
  }
  return "undecided";
}

Colour colour_of(const DecidedPair &pair) {
  if (pair.serves) return Colour::kNone;
  return pair.effect.verdict == PairVerdict::kWitness ? Colour::kRed : Colour::kYellow;
}

std::string counted_pairs(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " pair" : " pairs");
}

std::string pair_text(const Analysis &analysis, const DecidedPair &pair) {
  return printable(analysis.owner_name(pair.writer)) + " -> " +
         printable(analysis.owner_name(pair.victim));
}

std::string remark(const DecidedPair &pair) {
  if (pair.serves) return ": looks at what the other writes for it";
  const std::string reason = reason_of(pair);
  return reason.empty() ? "" : ": " + reason;
}

std::vector<const DecidedPair *> pairs_of(const Analysis &analysis, const Finding &finding) {
  std::vector<const DecidedPair *> pairs;
  for (const DecidedPair &pair : analysis.pairs.pairs) {
    const bool is_by_both = finding.id == FindingId::kSharedBits;
    const bool is_writer =
        finding.owner == pair.writer ||
        (is_by_both && std::ranges::find(finding.hurt, pair.writer) != finding.hurt.end());
    if (!is_writer || pair.serves) continue;
    const bool hurts = std::ranges::any_of(finding.hurt, [&pair](OwnerIndex hurt) {
      return hurt == pair.victim || hurt == pair.overwritten;
    });
    if (hurts) pairs.push_back(&pair);
  }
  return pairs;
}

Json pair_json(const Analysis &analysis, const DecidedPair &pair) {
  Json json{{"writer", analysis.owner_name(pair.writer)},
            {"victim", analysis.owner_name(pair.victim)},
            {"verdict", name(pair.effect.verdict)}};
  const std::string reason = reason_of(pair);
  json["reason"] = reason.empty() ? Json() : Json(reason);
  json["serves"] = pair.serves;
  json["assumptions"] = assumptions_of(analysis.pairs);
  if (!reason.empty()) json["assumptions"].push_back(reason);
  json["witness"] = pair.replayed ? witness_json(analysis, pair) : Json();
  return json;
}

std::string witnesses_text(const Analysis &analysis) {
  std::string text;
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (const DecidedPair &pair : analysis.pairs.pairs) {
    if (!pair.replayed || pair.serves) continue;
    if (shown == kWitnessesShown) {
      ++left_out;
      continue;
    }
    ++shown;
    text += "witness of " + pair_text(analysis, pair) + "\n" + witness_text(analysis, pair) + "\n";
  }
  if (left_out != 0) text += counted_pairs(left_out) + " more with a witness: see --json\n\n";
  return text;
}

}  // namespace

std::string pairs_text(const Analysis &analysis, bool with_colour) {
  const PairVerdicts &verdicts = analysis.pairs;
  std::string text = witnesses_text(analysis);
  std::string table;
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (const DecidedPair &pair : verdicts.pairs) {
    if (pair.effect.verdict == PairVerdict::kApart) continue;
    if (shown++ >= kPairsShown) {
      ++left_out;
      continue;
    }
    table += "  " + pair_text(analysis, pair) + "  " +
             painted(name(pair.effect.verdict), colour_of(pair), with_colour) + remark(pair) + "\n";
  }
  if (left_out != 0) table += "  and " + counted_pairs(left_out) + " more: see --json\n";
  if (!table.empty()) text += "Who changes what whom sees (writer -> reader):\n" + table;
  if (verdicts.not_followed != 0) {
    text += counted_pairs(verdicts.not_followed) + " undecided: " + verdicts.why_not + "\n";
  }
  const std::size_t apart = verdicts.count_of(PairVerdict::kApart);
  if (apart != 0 || verdicts.no_bit_in_common != 0) {
    text += counted_pairs(apart) + " apart, " + counted_pairs(verdicts.no_bit_in_common) +
            " with no bit in common\n";
  }
  if (!verdicts.pairs.empty()) {
    text += "It is taken for granted that\n";
    for (const std::string &each : assumptions_of(verdicts)) text += "  - " + each + "\n";
  }
  return text.empty() ? text : text + "\n";
}

std::string verdicts_text(const Analysis &analysis, const Finding &finding) {
  std::string text;
  for (const DecidedPair *pair : pairs_of(analysis, finding)) {
    text += "  " + pair_text(analysis, *pair) + ": ";
    switch (pair->effect.verdict) {
      case PairVerdict::kWitness:
        text += "see its witness below\n";
        break;
      case PairVerdict::kApart:
        text += "no difference in what was read\n";
        break;
      default:
        text += std::string(name(pair->effect.verdict)) + remark(*pair) + "\n";
    }
  }
  return text;
}

Json verdicts_json(const Analysis &analysis, const Finding &finding) {
  Json json = Json::array();
  for (const DecidedPair *pair : pairs_of(analysis, finding)) {
    json.push_back(pair_json(analysis, *pair));
  }
  return json;
}

void add_pairs(Json &json, const Analysis &analysis) {
  const PairVerdicts &verdicts = analysis.pairs;
  json["pairs"] = Json::array();
  for (const DecidedPair &pair : verdicts.pairs) {
    json["pairs"].push_back(pair_json(analysis, pair));
  }
  json["no_bit_in_common"] = verdicts.no_bit_in_common;
  json["pairs_not_followed"] = verdicts.not_followed;
  json["why_not_followed"] = verdicts.not_followed == 0 ? Json() : Json(verdicts.why_not);
}

}  // namespace connmark
