// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/nft_release.h"

#include <array>
#include <cstdio>

#include "semantics/debian_root.h"
#include "support/command.h"

namespace connmark::test {
namespace {

constexpr const char *kReleaseWithOneSource = "bookworm";  // nft 1.0.6
constexpr const char *kReleaseWithTwoSources = "trixie";   // nft 1.1.3

NftAge age_of_installed_nft() {
  constexpr std::array kFirst{1, 1, 2};
  std::array version{0, 0, 0};
  const std::string text = run({"nft", "--version"}).out;
  std::sscanf(text.c_str(), "nftables v%d.%d.%d", &version[0], &version[1], &version[2]);
  return version < kFirst ? NftAge::kOneSource : NftAge::kTwoSources;
}

}  // namespace

NftRelease find_nft(NftAge age) {
  if (is_installed("nft") && age_of_installed_nft() == age) {
    return {.command = {"nft"}, .skipped = {}, .failed = {}};
  }
  const DebianRoot root =
      make_debian_root(age == NftAge::kOneSource ? kReleaseWithOneSource : kReleaseWithTwoSources);
  if (!root.path.empty()) {
    return {.command = in_root(root, {"nft"}), .skipped = {}, .failed = {}};
  }
  return {.command = {}, .skipped = root.skipped, .failed = root.failed};
}

}  // namespace connmark::test
