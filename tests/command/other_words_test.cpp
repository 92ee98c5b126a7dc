// SPDX-License-Identifier: GPL-2.0-or-later
//
// What main() does with words that no subcommand takes.
#include <gtest/gtest.h>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

TEST(OtherWordsTest, EveryRefusalIsOneLineAndStatusTwo) {
  const std::vector<std::vector<std::string>> refused = {
      {},
      {"frob"},
      {"--frob"},
      {"explain"},
      {"explain", "--packet"},
      {"explain", "--set-mark"},
      {"translate", "--nft-version", "new", "--save-mark"},
      {"translate", "-i", "lo", "-j", "MARK", "--set-mark", "1"},
      {"flows", "--frob"},
      {"flows", "--mark", "1/"},
      {"flows", "--owner", "=1"},
      {"flows", "--owner", "me=x"},
      {"flows", "--owners", "/nonexistent"},
      {"flows", "--events", "1"},
      {"flows", "--watch", "--events", "x", "--owners", owners_file()},
  };
  for (const std::vector<std::string> &each : refused) {
    const CommandResult result = run_connmark(each);
    std::string shown;
    for (const std::string &word : each) shown += word + ' ';
    EXPECT_EQ(result.status, 2) << shown;
    EXPECT_EQ(result.out, "") << shown;
    EXPECT_EQ(lines(result.err).size(), 1U) << shown << result.err;
    EXPECT_EQ(result.err.find("connmark: "), 0U) << shown << result.err;
  }
}

TEST(OtherWordsTest, HelpAndVersionAreNoErrors) {
  for (const char *word : {"--help", "--version"}) {
    const CommandResult result = run_connmark({word});
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.out, "");
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(run_connmark({"explain", "--help"}).status, 0);
}

TEST(OtherWordsTest, AFullDiskIsAnError) {
  const CommandResult result =
      run({"sh", "-c", "exec \"$0\" explain --save-mark >/dev/full", connmark_path()});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err, "connmark: standard output: cannot be written\n");
}

}  // namespace
}  // namespace connmark::test
