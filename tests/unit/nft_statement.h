// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "connmark/operation.h"

namespace connmark::test {

// What the nft statement "ct mark set ..." or "meta mark set ..." makes of each
// pair of marks.  A "ct state ..." may stand before it, which is a match.
//
// A packet that is not `tracked` has no connection and is in no state that can be
// named: nft ends the statement where it reads `ct mark`, before anything is
// written, and does nothing where it is to write it (nft_ct_get_eval and
// nft_ct_set_eval in net/netfilter/nft_ct.c).  Its pairs' ct is nobody's.
//
// Reads the words by the grammar of nft's src/parser_bison.y:
// `<<` and `>>` bind tightest, then `and`, then `xor`, then `or`; `mark` alone
// is `meta mark`.  Throws std::invalid_argument for what that grammar, or some
// release that has it, refuses: a shifted constant, a shift by 0 or more than
// 31, a number above 32 bits, other words.
std::vector<Marks> run_nft(std::string_view statement, const std::vector<Marks> &before,
                           bool tracked = true);

}  // namespace connmark::test
