// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an audit has looked at, and what it has not.
#pragma once

#include <string>

#include "command/output/json_document.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

std::string sources_text(const Ruleset &ruleset);

// Adds the members "looked_at" and "not_looked_at".
void add_sources(const Ruleset &ruleset, Json &json);

// Whether something that is there, or may be, was not looked at.
bool is_incomplete(const Ruleset &ruleset);

}  // namespace connmark
