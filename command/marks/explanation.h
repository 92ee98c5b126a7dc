// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "command/iptables/rule_text.h"
#include "command/output/json_document.h"

namespace connmark {

// What a rule does, for people: the formula, a picture of the 32 bits of the
// mark that it writes, its saved and its nft form.  With `before`, also the
// marks that it makes of these.
std::string explanation_text(const RuleText &text, const std::optional<Marks> &before,
                             bool with_colour);

// The same for programs.
Json explanation_json(const RuleText &text, const std::optional<Marks> &before);

}  // namespace connmark
