// SPDX-License-Identifier: GPL-2.0-or-later
//
// What one write does to the mark, as masks: a MarkExpression in the questions
// that the audit asks.
#pragma once

#include <cstdint>

#include "command/rule_set/ruleset.h"

namespace connmark {

struct WriteBits {
  std::uint32_t changed = 0;
  std::uint32_t copied = 0;      // of `changed`: from the other mark, alone or mixed in
  std::uint32_t unknown = 0;     // of `changed`
  std::uint32_t constant = 0;    // of `changed`: always the same value,
  std::uint32_t ones = 0;        // of `constant`: which is 1
  std::uint32_t may_be_one = 0;  // of `changed`: 1, flipped or unknown without any other bit's help
  std::uint32_t other_sources = 0;  // bits of the other mark that are copied
  std::uint32_t own_sources = 0;    // bits of the same mark that are moved or flipped
};

WriteBits write_bits(const MarkWrite &write);

// The bits that a writer chooses: of a constant for all 32 bits only the ones,
// since the rest is there for want of a mask.
std::uint32_t chosen_bits(const WriteBits &bits);

// The bits that a test is about; of a comparison of all 32 bits those of the value.
std::uint32_t tested_bits(const MarkTest &test);
std::uint32_t tested_bits(const PolicyRule &rule);

}  // namespace connmark
