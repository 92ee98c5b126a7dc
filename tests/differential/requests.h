// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the two plugins are asked.  Nobody can try all command lines; these are
// the ones in which a plugin could differ on purpose or by accident:
//
//   - every subset of the 12 options, forwards and backwards, with plain values;
//   - every option with every edge value, in both ways to write it: alone, and
//     before and behind each operation;
//   - every ordered pair of options with pairs of values, alone and behind
//     each operation, so that masks and shifts meet in every order;
//   - every prefix of every name, prefixes and names with a letter too many;
//   - "!" at every place, options two and three times, arguments left out or
//     too many;
//   - random lines from a seed: options of a likely rule, shuffled, with likely
//     and unlikely values, and one line in four made of any words at all.
#pragma once

#include <cstdint>
#include <vector>

#include "differential/session.h"

namespace connmark::test {

std::vector<Request> systematic_command_lines();

std::vector<Request> random_command_lines(std::uint64_t seed, int count);

// Rules that no option makes but some kernel may hand back: every mode byte,
// every shift_dir, shifts up to 255, padding that is not zero; and random ones.
// Each with a shift_dir above 1 is followed by the same with shift_dir 0.
std::vector<Request> hostile_rules(std::uint64_t seed, int count);

}  // namespace connmark::test
