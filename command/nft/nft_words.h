// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace connmark {

// Whether nft 0.9.8, 1.0.6 or 1.1.3 refuses a chain of this name, since it is a
// word of its language: found by giving them all words of nft(8) and of their
// scanners as names.
bool is_word_of_nft(std::string_view name);

}  // namespace connmark
