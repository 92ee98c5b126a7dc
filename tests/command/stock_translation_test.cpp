// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the audit says of iptables' own translations, and what they do.
#include "command/findings/stock_translation.h"

#include <gtest/gtest.h>

#include "command/temporary_file.h"
#include "connmark/save.h"
#include "differential/nft_statement.h"
#include "support/command.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr int kRules = 2'000;

KernelRule kernel_rule(const Operation &op) {
  return {.ctmark = op.ctmark,
          .ctmask = op.ctmask,
          .nfmask = op.nfmask,
          .shift_dir = static_cast<std::uint8_t>(op.shift.direction),
          .shift_bits = op.shift.bits,
          .mode = static_cast<std::uint8_t>(op.mode)};
}

TEST(StockTranslationTest, IsJudgedAsItIs) {
  if (!is_installed("iptables-restore-translate")) {
    GTEST_SKIP() << "iptables-restore-translate is not installed";
  }
  RandomRules random(random_seed());
  std::vector<Operation> operations;
  std::string input = "*mangle\n:FORWARD ACCEPT [0:0]\n";
  for (int i = 0; i < kRules; ++i) {
    operations.push_back(random.operation());
    input += "-A FORWARD -j CONNMARK" + std::string(save_text(operations.back()).view()) + "\n";
  }
  const TemporaryFile file(input + "COMMIT\n");
  const CommandResult result = run({"iptables-restore-translate", "-f", file.path()}, {},
                                   {"XTABLES_LIBDIR=" + stock_plugin_folder()});
  ASSERT_EQ(result.status, 0) << result.err;
  std::vector<std::string> statements;
  for (const std::string &line : lines(result.out)) {
    const std::size_t statement = line.find(" counter ");
    if (statement != line.npos) {
      statements.push_back(line.substr(statement + 9));
    } else if (line.starts_with("# ") && line.find("-A FORWARD") != line.npos) {
      statements.emplace_back();
    }
  }
  ASSERT_EQ(statements.size(), operations.size()) << result.out.substr(0, 1000);
  int judged = 0;
  int inexact = 0;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::string &text = statements[i];
    const StockTranslation said = stock_translation(operations[i]);
    EXPECT_EQ(said == StockTranslation::kDeclined, text.empty()) << text;
    const auto statement = NftStatement::parse(text);
    if (!statement) continue;  // nft refuses a shifted constant
    ++judged;
    const bool is_exact = statement->does_the_same_as(kernel_rule(operations[i]));
    if (!is_exact) ++inexact;
    EXPECT_EQ(said, is_exact ? StockTranslation::kExact : StockTranslation::kInexact)
        << save_text(operations[i]).view() << "\n"
        << text;
  }
  EXPECT_GT(judged, kRules / 2);
  EXPECT_GT(inexact, kRules / 10);
  EXPECT_LT(inexact, judged);
}

}  // namespace
}  // namespace connmark::test
