// SPDX-License-Identifier: GPL-2.0-or-later
//
// Findings as people and programs read them.
#pragma once

#include <string>
#include <vector>

#include "command/findings/finding.h"
#include "command/output/json_document.h"

namespace connmark {

std::string findings_text(const Analysis &analysis, const std::vector<Finding> &findings,
                          bool with_colour);

Json findings_json(const Analysis &analysis, const std::vector<Finding> &findings);

// "2 problems and 1 hint in 14 rules that have to do with marks".
std::string summary_text(const Analysis &analysis, const std::vector<Finding> &findings);

}  // namespace connmark
