// SPDX-License-Identifier: GPL-2.0-or-later
//
// The way of a witness's packets, place by place, as people and programs read it.
#pragma once

#include <string>

#include "command/findings/finding.h"
#include "command/findings/pair_verdicts.h"
#include "command/output/json_document.h"

namespace connmark {

// Indented lines for a pair with a witness: each packet, the rules that changed its marks with
// the marks behind each, and what the victim sees instead.
std::string witness_text(const Analysis &analysis, const DecidedPair &pair);

// The fields are described in man/connmark.8.in.
Json witness_json(const Analysis &analysis, const DecidedPair &pair);

}  // namespace connmark
