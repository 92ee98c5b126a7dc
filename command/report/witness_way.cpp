// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/witness_way.h"

#include <algorithm>
#include <array>
#include <bit>

#include "command/output/number_text.h"
#include "command/output/terminal.h"
#include "command/owners/owner_names.h"
#include "command/report/rule_place.h"

namespace connmark {
namespace {

constexpr auto kAttributes = static_cast<std::size_t>(Attribute::kConnectionState);
constexpr std::size_t kWordsShown = 6;

const char *name(Way way) {
  switch (way) {
    case Way::kReceived:
      return "received";
    case Way::kForwarded:
      return "forwarded";
    case Way::kSent:
      return "sent";
    case Way::kLooped:
      break;
  }
  return "looped";
}

const char *name(std::uint32_t state) {
  switch (state) {
    case kStateNew:
      return "new";
    case kStateEstablished:
      return "established";
    case kStateRelated:
      return "related";
    case kStateInvalid:
      return "invalid";
    default:
      return "untracked";
  }
}

// Indexed by Attribute.
constexpr std::array<const char *, kAttributes> kAttributeNames{
    "in_interface", "out_interface", "protocol",        "source",
    "destination",  "source_port",   "destination_port"};
constexpr std::array<const char *, kAttributes> kAttributeTexts{
    "in by ", "out by ", "protocol ", "from ", "to ", "source port ", "destination port "};

std::string protocol_text(std::uint32_t number) {
  switch (number) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 58:
      return "ipv6-icmp";
    default:
      return std::to_string(number);
  }
}

// What the rules that the packet came to have asked of it.
struct Asked {
  std::array<bool, kAttributes> attributes = {};
  std::vector<std::pair<std::string, bool>> words;
};

Asked asked_of(const Ruleset &ruleset, const WitnessPacket &packet,
               const std::array<Trace, kRuns> &traces) {
  Asked asked;
  for (const Trace &trace : traces) {
    for (const Step &step : trace.steps) {
      for (const Match &match : ruleset.rules[step.rule].matches) {
        const auto attribute = static_cast<std::size_t>(match.attribute);
        if (attribute < kAttributes) asked.attributes[attribute] = true;
        if (match.attribute != Attribute::kOther || asked.words.size() >= kWordsShown) continue;
        const auto same = [&match](const auto &word) { return word.first == match.text; };
        const auto word = std::ranges::find_if(packet.words, same);
        if (word != packet.words.end() && std::ranges::none_of(asked.words, same)) {
          asked.words.push_back(*word);
        }
      }
    }
  }
  return asked;
}

// At the place where the packet begins.
std::string value_text(const WitnessPacket &packet, std::size_t attribute) {
  if (attribute >= packet.values.size()) return "";
  for (const auto &value : packet.values[attribute]) {
    if (!value) continue;
    if (static_cast<Attribute>(attribute) == Attribute::kProtocol) {
      if (packet.is_icmp_error) return packet.packet.family == Family::kIpv4 ? "icmp" : "ipv6-icmp";
      return protocol_text(value->number);
    }
    return value->text.empty() ? std::to_string(value->number) : value->text;
  }
  return "";
}

std::string marks_text(std::uint32_t packet, std::uint32_t connection) {
  return "packet " + hex(packet) + ", connection " + hex(connection);
}

std::string packet_text(const Ruleset &ruleset, const WitnessPacket &packet,
                        const std::array<Trace, kRuns> &traces) {
  std::string text = name(packet.packet.way);
  text += packet.packet.family == Family::kIpv4 ? ", IPv4" : ", IPv6";
  text += packet.packet.is_reply ? ", reply" : ", original direction";
  text.append(", ").append(name(packet.packet.state));
  if (packet.is_icmp_error) text += ", an ICMP error";
  const Asked asked = asked_of(ruleset, packet, traces);
  for (std::size_t i = 0; i < kAttributes; ++i) {
    if (!asked.attributes[i]) continue;
    if (const std::string value = value_text(packet, i); !value.empty()) {
      text += ", " + std::string(kAttributeTexts[i]) + printable(value);
    }
  }
  for (const auto &[words, holds] : asked.words) {
    text += (holds ? ", matches \"" : ", does not match \"") + printable(words) + "\"";
  }
  return text;
}

Json packet_json(const Ruleset &ruleset, const WitnessPacket &packet,
                 const std::array<Trace, kRuns> &traces) {
  Json json{{"way", name(packet.packet.way)},
            {"family", packet.packet.family == Family::kIpv4 ? "ip" : "ip6"},
            {"direction", packet.packet.is_reply ? "reply" : "original"},
            {"state", name(packet.packet.state)},
            {"icmp_error", packet.is_icmp_error}};
  const Asked asked = asked_of(ruleset, packet, traces);
  for (std::size_t i = 0; i < kAttributes; ++i) {
    const std::string value = asked.attributes[i] ? value_text(packet, i) : "";
    if (!value.empty()) json[kAttributeNames[i]] = value;
  }
  json["matches"] = Json::array();
  json["matches_not"] = Json::array();
  for (const auto &[words, holds] : asked.words) {
    json[holds ? "matches" : "matches_not"].push_back(words);
  }
  json["packet"] = hex(packet.start_mark);
  return json;
}

// "ip mangle PREROUTING", and behind it the chain that it has called.
std::string place_of(const Ruleset &ruleset, const Step &step) {
  const ChainIndex chain = ruleset.rules[step.rule].chain;
  std::string text = chain_text(ruleset.chains[step.place.base]);
  if (chain != step.place.base) text += ", chain " + ruleset.chains[chain].name;
  return text;
}

struct ShownStep {
  std::size_t packet;  // of the connection, from 0
  const Step *step;
  Marks before;
};

// Of the run as it is: rules that touch marks and have matched, and the observer.
std::vector<ShownStep> shown_steps(const Ruleset &ruleset, const DecidedPair &pair) {
  const Witness &witness = *pair.effect.witness;
  std::vector<ShownStep> shown;
  std::uint32_t connection = witness.packets.front().connection_mark;
  for (std::size_t i = 0; i < pair.replayed->packets.size(); ++i) {
    const Trace &trace = pair.replayed->packets[i][0];
    Marks before{.ct = connection, .nf = witness.packets[i].start_mark};
    for (const Step &step : trace.steps) {
      const bool is_observer = i + 1 == pair.replayed->packets.size() && !witness.by_policy_rule &&
                               step.rule == witness.observer;
      if ((step.matched && ruleset.rules[step.rule].touches_marks()) || is_observer) {
        shown.push_back({i, &step, before});
      }
      before = step.marks;
    }
    connection = trace.marks.ct;
  }
  return shown;
}

const std::string &observer_text(const Ruleset &ruleset, const Witness &witness) {
  return witness.by_policy_rule ? ruleset.policy_rules[witness.observer].text
                                : ruleset.rules[witness.observer].text;
}

std::string observer_place(const Ruleset &ruleset, const Witness &witness) {
  return witness.by_policy_rule
             ? ruleset.inputs[ruleset.policy_rules[witness.observer].input].name + ": ip rule"
             : place_text(ruleset, ruleset.rules[witness.observer]);
}

std::string difference_text(const Analysis &analysis, const DecidedPair &pair) {
  const Witness &witness = *pair.effect.witness;
  const ReplayedWitness &replayed = *pair.replayed;
  const std::string &writer = analysis.owner_name(pair.writer);
  const std::string &victim = analysis.owner_name(pair.victim);
  if (replayed.only) {
    return "the packet comes to this rule of " + victim + " only " +
           (*replayed.only == 0 ? "with" : "without") + " what " + writer + " writes";
  }
  const std::uint32_t bits = pair.differing_bits();
  return victim + " sees " + hex(replayed.seen[0] & bits) + " in " + bits_text(bits, witness.mark) +
         ", and without what " + writer + " writes " + hex(replayed.seen[1] & bits) +
         (pair.outcome_differs ? "" : " (here its test comes out the same)");
}

}  // namespace

std::string witness_text(const Analysis &analysis, const DecidedPair &pair) {
  const Ruleset &ruleset = analysis.ruleset;
  const Witness &witness = *pair.effect.witness;
  const std::vector<ShownStep> steps = shown_steps(ruleset, pair);
  std::string text;
  std::size_t next = 0;
  for (std::size_t i = 0; i < witness.packets.size(); ++i) {
    const WitnessPacket &packet = witness.packets[i];
    text += "  packet " + std::to_string(i + 1) + ": " +
            packet_text(ruleset, packet, pair.replayed->packets[i]) + ", mark " +
            hex(packet.start_mark) + "\n";
    for (; next < steps.size() && steps[next].packet == i; ++next) {
      const Step &step = *steps[next].step;
      const bool is_last = i + 1 == witness.packets.size();
      const bool is_observer = is_last && !witness.by_policy_rule && step.rule == witness.observer;
      if (step.marks == steps[next].before && !is_observer) continue;
      text += "    " + printable(place_text(ruleset, ruleset.rules[step.rule])) + "\n      " +
              printable(ruleset.rules[step.rule].text) + "\n      -> " +
              marks_text(step.marks.nf, step.marks.ct) + "\n";
    }
  }
  return text + "  " + printable(difference_text(analysis, pair)) + ":\n    " +
         printable(observer_place(ruleset, witness)) + "\n      " +
         printable(observer_text(ruleset, witness)) + "\n";
}

Json witness_json(const Analysis &analysis, const DecidedPair &pair) {
  const Ruleset &ruleset = analysis.ruleset;
  const Witness &witness = *pair.effect.witness;
  const ReplayedWitness &replayed = *pair.replayed;
  Json json{{"packet", hex(witness.packets.front().start_mark)},
            {"connection", hex(witness.packets.front().connection_mark)}};
  json["packets"] = Json::array();
  for (std::size_t i = 0; i < witness.packets.size(); ++i) {
    json["packets"].push_back(packet_json(ruleset, witness.packets[i], replayed.packets[i]));
  }
  json["steps"] = Json::array();
  for (const ShownStep &shown : shown_steps(ruleset, pair)) {
    const Step &step = *shown.step;
    const Rule &rule = ruleset.rules[step.rule];
    const Input &input = ruleset.inputs[ruleset.chains[rule.chain].input];
    Json entry{{"packet_number", shown.packet + 1},
               {"place", place_of(ruleset, step)},
               {"input", input.name}};
    entry["line"] = rule.line == 0 ? Json() : Json(rule.line);
    entry[input.is_nft ? "handle" : "number"] = rule.number == 0 ? Json() : Json(rule.number);
    entry["rule"] = rule.text;
    entry["matched"] = step.matched;
    entry["packet"] = hex(step.marks.nf);
    entry["connection"] = hex(step.marks.ct);
    json["steps"].push_back(std::move(entry));
  }
  const std::uint32_t differing = pair.differing_bits();
  json["bit"] = std::countr_zero(differing);
  json["mark"] = owner(witness.mark);
  json["bits"] = differing;
  json["observer"] = {{"place", observer_place(ruleset, witness)},
                      {"rule", observer_text(ruleset, witness)}};
  const auto seen = [&](std::size_t run) {
    return replayed.only.value_or(run) == run ? Json(hex(replayed.seen[run])) : Json();
  };
  json["sees"] = seen(0);
  json["sees_without"] = seen(1);
  json["outcome_differs"] = pair.outcome_differs;
  return json;
}

}  // namespace connmark
