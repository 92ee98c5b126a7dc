// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connmark {

struct Word {
  std::string_view text;
  // Where it stands in the line, with its quotes; the same for a word of no line.
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// As rule_words(), without a copy: a word without quotes stays where it is, others
// are put into `unquoted`.  False if a quote is not closed.
bool split_words(std::string_view line, std::vector<Word> &words, std::string &unquoted);

// Splits a line of iptables-save at its blanks.  A part in double quotes stays
// together, and a backslash in it keeps the next character as it is, as in
// iptables-restore.  A quote that is not closed is a Refusal.
std::vector<std::string> rule_words(std::string_view line);

// The line that rule_words() splits into `words`.
std::string rule_line(const std::vector<std::string> &words);

}  // namespace connmark
