// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options of the target, and which of them stand on a command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace connmark::test {

enum class Kind { kSet, kCopy, kMask, kShift };

struct NamedOption {
  std::string_view name;  // with the dashes
  Kind kind;
  bool has_argument;
};

inline constexpr NamedOption kNamedOptions[] = {
    {"--set-xmark", Kind::kSet, true},         {"--set-mark", Kind::kSet, true},
    {"--and-mark", Kind::kSet, true},          {"--or-mark", Kind::kSet, true},
    {"--xor-mark", Kind::kSet, true},          {"--save-mark", Kind::kCopy, false},
    {"--restore-mark", Kind::kCopy, false},    {"--nfmask", Kind::kMask, true},
    {"--ctmask", Kind::kMask, true},           {"--mask", Kind::kMask, true},
    {"--left-shift-mark", Kind::kShift, true}, {"--right-shift-mark", Kind::kShift, true},
};

struct TypedOption {
  const NamedOption *option;
  std::string argument;
};

// The options of a command line that a plugin has accepted, so every prefix of
// a name in it is an unambiguous one.
std::vector<TypedOption> typed_options(const std::vector<std::string> &words);

// Those of one kind, in their order.
std::vector<TypedOption> of_kind(const std::vector<TypedOption> &typed, Kind kind);

}  // namespace connmark::test
