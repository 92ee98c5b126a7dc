// SPDX-License-Identifier: GPL-2.0-or-later
//
// Marks and masks as people write and read them.
#pragma once

#include <cstdint>
#include <string>

namespace connmark {

// As printf's 0x%x.
std::string hex(std::uint32_t value);

// The set bits from the lowest, runs joined: "bit 3", "bits 0-7, 12", "no bit".
std::string bit_ranges(std::uint32_t mask);

struct MarkAndMask {
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
};

// These read the argument of `option`, in the numbers that iptables takes:
// decimal, 0x hexadecimal, 0 octal, 32 bits.  Anything else is a Refusal.
std::uint32_t read_mark(const std::string &option, const std::string &text);
std::uint32_t read_count(const std::string &option, const std::string &text);
// VALUE, which has all bits in its mask, or VALUE/MASK.
MarkAndMask read_mark_and_mask(const std::string &option, const std::string &text);

}  // namespace connmark
