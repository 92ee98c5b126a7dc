// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/kernel_rule.h"

#include <linux/netfilter/xt_connmark.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace connmark::test {
namespace {

template <typename Info>
Info read_bytes(std::string_view hex) {
  unsigned char bytes[sizeof(Info)] = {};
  for (std::size_t i = 0; i < sizeof bytes && 2 * i + 2 <= hex.size(); ++i) {
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, bytes[i], 16);
  }
  Info info;
  std::memcpy(&info, bytes, sizeof info);
  return info;
}

}  // namespace

KernelRule read_kernel_rule(int revision, std::string_view hex) {
  if (revision == 1) {
    const auto info = read_bytes<xt_connmark_tginfo1>(hex);
    return {info.ctmark, info.ctmask, info.nfmask, 0, 0, info.mode};
  }
  const auto info = read_bytes<xt_connmark_tginfo2>(hex);
  return {info.ctmark, info.ctmask, info.nfmask, info.shift_dir, info.shift_bits, info.mode};
}

MarkPair marks_after(const KernelRule &rule, MarkPair marks) {
  const auto shift = [&rule](std::uint32_t value) {
    return rule.shift_dir == D_SHIFT_RIGHT ? value >> rule.shift_bits : value << rule.shift_bits;
  };
  switch (rule.mode) {
    case kKernelSet:
      return {shift((marks.ct & ~rule.ctmask) ^ rule.ctmark), marks.nf};
    case kKernelSave:
      return {(marks.ct & ~rule.ctmask) ^ shift(marks.nf & rule.nfmask), marks.nf};
    case kKernelRestore:
      return {marks.ct, (marks.nf & ~rule.nfmask) ^ shift(marks.ct & rule.ctmask)};
    default:
      return marks;
  }
}

const std::vector<MarkPair> &telling_marks() {
  static const std::vector<MarkPair> all = [] {
    constexpr std::uint32_t kOnes = 0xffffffff;
    std::vector<MarkPair> marks{{0, 0}, {kOnes, kOnes}, {kOnes, 0}, {0, kOnes}};
    for (int i = 0; i < 32; ++i) {
      const std::uint32_t unit = std::uint32_t{1} << i;
      marks.insert(marks.end(), {{unit, 0}, {0, unit}, {~unit, kOnes}, {kOnes, ~unit}});
    }
    // No two bytes alike, so that a shift by bytes shows between two marks.
    marks.insert(marks.end(), {{0x9c6b5a3f, 0xa5c3e187}, {0x13579bdf, 0x02468ace}});
    return marks;
  }();
  return all;
}

bool have_same_effect(const KernelRule &one, const KernelRule &other) {
  return std::ranges::all_of(telling_marks(), [&](MarkPair marks) {
    return marks_after(one, marks) == marks_after(other, marks);
  });
}

}  // namespace connmark::test
