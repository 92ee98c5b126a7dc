// SPDX-License-Identifier: GPL-2.0-or-later
//
// As many values of an attribute as it takes to tell apart whatever the matches of a
// rule set can tell apart, each a real one: "wan0" for what only "-i wan+" passes.
// Matches exclude or imply one another by the values that they pass, and by no rule of
// their own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/rule_set/ruleset.h"

namespace connmark {

// The value of one attribute of one packet: an interface's name or an address in
// `text`, a protocol or port in `number`.
struct AttributeValue {
  std::string text;
  std::uint32_t number = 0;
};

// Whether a packet with `value` passes a match by an attribute that has values: any but
// kConnectionState, kConnectionDirection, kIpVersion, kHasConnection and kOther.
bool passes(const Match &match, const AttributeValue &value);

// The values for `mentions`, all of one attribute, or of kSource and kDestination, of
// kSourcePort and kDestinationPort, or of kInInterface and kOutInterface.  The first one is
// passed by none of them, if there is such a value.
std::vector<AttributeValue> values_for(const std::vector<const Match *> &mentions, Family family);

}  // namespace connmark
