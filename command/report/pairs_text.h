// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who changes what whom sees: the audit's pairs of owners.
#pragma once

#include <string>

#include "command/findings/finding.h"
#include "command/findings/pair_verdicts.h"
#include "command/output/json_document.h"

namespace connmark {

// The witnesses, a table of the pairs that are not apart, and what it rests on; empty where
// no owner's bits meet another's.
std::string pairs_text(const Analysis &analysis, bool with_colour);

// A line for each pair of the finding's owner and somebody that it hurts: what was found out
// about it by following packets.
std::string verdicts_text(const Analysis &analysis, const Finding &finding);

// The same pairs, each with its witness.
Json verdicts_json(const Analysis &analysis, const Finding &finding);

// Adds "pairs", "pairs_not_followed" and "no_bit_in_common".
void add_pairs(Json &json, const Analysis &analysis);

}  // namespace connmark
