// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an nft older than 1.1.2, that of Debian 12 if this machine's is younger,
// makes of translations: it takes each one for what it means, or refuses it.
#include <gtest/gtest.h>

#include <iostream>

#include "semantics/nft_release.h"
#include "semantics/nft_translation.h"
#include "semantics/rule_chain.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRules = 2000;
constexpr std::size_t kSettledRules = 100;

TEST(OldNftTest, RefusesOrTakesEachTranslationAndMisreadsNone) {
  const NftRelease nft = find_nft(NftAge::kOneSource);
  if (!nft.skipped.empty()) GTEST_SKIP() << nft.skipped;
  ASSERT_EQ(nft.failed, "");
  if (const std::string why = enter_network_for({Family::kIpv4, "nft"}); !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  auto ops = random_operations(random, kRules);
  for (const Operation &op : empty_restores()) ops.push_back(op);
  const auto statements = translations(Family::kIpv4, ops);

  std::vector<std::string> check = nft.command;
  check.insert(check.end(), {"--check", "--file", "-"});
  std::vector<Operation> taken;
  std::size_t refused = 0;
  for (const Operation &op : ops) {
    const std::string &statement = statements.at(options_for(op));
    if (!has_two_sources(statement)) {
      taken.push_back(op);
      continue;
    }
    const CommandResult result = run(check, "table ip t {\nchain c {\n" + statement + "\n}\n}\n");
    if (result.status == 0) {
      taken.push_back(op);
      continue;
    }
    ++refused;
    EXPECT_NE(result.err.find("Right hand side of binary operation"), result.err.npos)
        << statement << '\n'
        << result.err;
  }
  EXPECT_GT(taken.size(), kSettledRules);
  EXPECT_GT(refused, kSettledRules);

  NftChain chain(Family::kIpv4, nft.command, statements);
  EXPECT_TRUE(all_predictions_hold(chain, mark_cases(random, taken, kSettledRules)));
  for (const Tracking tracking : {Tracking::kUntracked, Tracking::kInvalid}) {
    chain.use(tracking);
    EXPECT_TRUE(all_predictions_hold(chain, without_connection(mark_cases(random, taken, 0))));
  }
}

}  // namespace
}  // namespace connmark::test
