// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/rule_place.h"

namespace connmark {

const char *name(Family family) {
  switch (family) {
    case Family::kIpv4:
      return "ip";
    case Family::kIpv6:
      return "ip6";
    case Family::kInet:
      return "inet";
    case Family::kArp:
      return "arp";
    case Family::kBridge:
      return "bridge";
    case Family::kNetdev:
      break;
  }
  return "netdev";
}

std::string chain_text(const Chain &chain) {
  return std::string(name(chain.family)) + " " + chain.table + " " + chain.name;
}

std::string place_text(const Ruleset &ruleset, const Rule &rule) {
  const Chain &chain = ruleset.chains[rule.chain];
  const Input &input = ruleset.inputs[chain.input];
  std::string text = input.name;
  if (rule.line != 0) text.append(":").append(std::to_string(rule.line));
  text.append(": ").append(chain_text(chain));
  if (rule.number != 0) {
    text += (input.is_nft ? ", handle " : ", rule ") + std::to_string(rule.number);
  }
  return text;
}

}  // namespace connmark
