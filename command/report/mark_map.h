// SPDX-License-Identifier: GPL-2.0-or-later
//
// The map: who does what with which bit.
#pragma once

#include <string>

#include "command/findings/finding.h"
#include "command/output/json_document.h"

namespace connmark {

// A row for each owner, with the 32 bits of both marks side by side, and below
// it the masks; then what the letters mean.
std::string mark_map_text(const Analysis &analysis, bool with_colour);

Json mark_map_json(const Analysis &analysis);

}  // namespace connmark
