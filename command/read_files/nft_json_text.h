// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "command/marks/mark_rule.h"

namespace connmark {

// The mark that the expression {"meta": {"key": "mark"}}, or that of ct, stands for.
std::optional<Mark> mark_of(const nlohmann::json &expression);

// Whether `json`, or a part of it, is a mark.
bool has_mark(const nlohmann::json &json);

// `statement` of a rule in nft's own words: exact where marks, verdicts and what
// most rules look at are concerned, else abbreviated with "...".  Empty for a
// counter.
std::string nft_text(const nlohmann::json &statement);

}  // namespace connmark
