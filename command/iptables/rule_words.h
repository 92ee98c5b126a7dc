// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace connmark {

// Splits a line of iptables-save at its blanks.  A part in double quotes stays
// together, and a backslash in it keeps the next character as it is, as in
// iptables-restore.  A quote that is not closed is a Refusal.
std::vector<std::string> rule_words(std::string_view line);

// The line that rule_words() splits into `words`.
std::string rule_line(const std::vector<std::string> &words);

}  // namespace connmark
