// SPDX-License-Identifier: GPL-2.0-or-later
//
// The attributes of a rule of nf_tables, or any other bytes: NFTA_RULE_EXPRESSIONS
// behind one byte that chooses the table.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "command/read_kernel/nft_rule.h"

namespace {

using connmark::Family;
using connmark::NftTable;

NftTable table(std::uint8_t choice) {
  constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6,   Family::kInet,
                                  Family::kArp,  Family::kBridge, Family::kNetdev};
  NftTable table;
  table.family = kFamilies[choice % std::size(kFamilies)];
  table.chains = {{"c", 0}, {"d", 1}};
  table.sets["s"] = {.is_anonymous = false, .key_size = 4, .branches = nullptr};
  table.sets["t"] = {.is_anonymous = true, .key_size = choice, .branches = nullptr};
  table.sets["v"] = {.is_anonymous = false,
                     .key_size = 8,
                     .branches = std::make_shared<std::vector<connmark::Branch>>(
                         std::vector<connmark::Branch>{{connmark::Verdict::kJump, 1}})};
  return table;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  // Plugins of iptables are not what is looked at.
  static const int no_plugins = setenv("XTABLES_LIBDIR", "/nonexistent", 1);
  expect(no_plugins == 0);
  constexpr std::size_t kMost = 0xfff0;  // the length of an attribute has 16 bits
  if (size == 0) return 0;
  const std::size_t length = std::min(size - 1, kMost);
  std::vector<std::uint32_t> aligned((sizeof(nlattr) + length + 3) / 4);
  const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + length),
                      .nla_type = 0};
  std::memcpy(aligned.data(), &header, sizeof header);
  std::memcpy(reinterpret_cast<char *>(aligned.data()) + sizeof header, data + 1, length);
  const auto *const expressions = reinterpret_cast<const nlattr *>(aligned.data());

  const NftTable in = table(data[0]);
  connmark::Rule rule;
  const connmark::NftSetUses uses =
      connmark::read_nft_rule(in, "c", expressions, expressions, rule);
  expect(rule.text.empty() || rule.touches_marks());
  expect(rule.outcome.chain == connmark::kNoChain || rule.outcome.chain <= 1);
  for (const auto &[match, name] : uses.lookups) expect(match < rule.matches.size());
  for (const connmark::MarkWrite &write : rule.writes) {
    expect(write.matches_before <= rule.matches.size());
    expect(write.tests_before <= rule.tests.size());
  }
  std::size_t words = rule.text.size();
  for (const connmark::Match &match : rule.matches) words += match.text.size();
  // An operation repeats the words of its source.
  expect(words <= 4096 + 64 * length * (1 + length / 64));
  return 0;
}
