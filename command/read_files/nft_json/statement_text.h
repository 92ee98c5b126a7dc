// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "command/marks/mark_rule.h"
#include "command/read_files/nft_json/members.h"

namespace connmark::nft_json {

// The mark that the expression {"meta": {"key": "mark"}}, or that of ct, stands for.
std::optional<Mark> mark_of(const Json &expression);

// Whether it is a `fib` that asks for a route by the packet's mark.
bool looks_up_by_mark(const Json &expression);

// Whether `json`, or a part of it, is a mark or looks something up by one.
bool has_mark(const Json &json);

// `statement` of a rule in nft's own words: exact where marks, verdicts and what
// most rules look at are concerned, else abbreviated with "...".  Empty for a
// counter.
std::string nft_text(const Json &statement);

// The same of an expression, a map behind "map" or "vmap", a match without "!=",
// and a statement, with nothing left out: what has the same words is the same.
std::string whole_text(const Json &expression);
std::string whole_map(const Json &map, const char *word);
std::string whole_match(const Json &match);
std::string whole_statement(std::string_view name, const Json &value);

}  // namespace connmark::nft_json
