// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel makes of a rule's 16 bytes, written from its documentation
// and not from the code under test.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace connmark::test {

struct MarkPair {
  std::uint32_t ct = 0;
  std::uint32_t nf = 0;

  bool operator==(const MarkPair &) const = default;
};

enum KernelMode : std::uint8_t { kKernelSet = 0, kKernelSave = 1, kKernelRestore = 2 };

// The fields as they lie in memory; revision 1 has no shift.
struct KernelRule {
  std::uint32_t ctmark = 0;
  std::uint32_t ctmask = 0;
  std::uint32_t nfmask = 0;
  std::uint8_t shift_dir = 0;
  std::uint8_t shift_bits = 0;
  std::uint8_t mode = 0;

  bool operator==(const KernelRule &) const = default;

  bool has_known_mode() const { return mode <= kKernelRestore; }
};

// `hex` is 32 digits.
KernelRule read_kernel_rule(int revision, std::string_view hex);

// What a packet leaves behind; shift_bits must be below 32.
MarkPair marks_after(const KernelRule &rule, MarkPair marks);

// Marks that tell any two effects apart that copy, clear or invert single bits,
// or join two by any operator.
const std::vector<MarkPair> &telling_marks();

bool have_same_effect(const KernelRule &one, const KernelRule &other);

}  // namespace connmark::test
