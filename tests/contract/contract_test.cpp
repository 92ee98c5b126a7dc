// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables makes of the target's options, by two tables that any other
// plugin of this name could be held against, and the real programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "contract/table.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

const std::string kRule = "-A OUTPUT -j CONNMARK ";

enum SaveColumn { kSaved, kResult };

std::vector<TableRow> save_rows(bool accepted) {
  std::vector<TableRow> rows = read_table(CONNMARK_CONTRACT_DIR "/save.txt", 2);
  std::erase_if(rows, [accepted](const TableRow &row) {
    return (row.columns.at(kResult) != "FAIL") != accepted;
  });
  return rows;
}

void expect_result(const TableRow &row, const CommandResult &result) {
  const std::string where =
      "save.txt:" + std::to_string(row.line) + ": " + row.options + "\n" + result.err;
  const std::string &expected = row.columns.at(kResult);
  EXPECT_EQ(result.status, expected == "FAIL" ? 2 : 0) << where;
  if (expected == "OK") {
    EXPECT_EQ(result.err, "") << where;
  } else if (expected == "WARN") {
    EXPECT_EQ(lines(result.err).size(), 1u) << where;
    EXPECT_TRUE(result.err.starts_with("CONNMARK: ")) << where;
  } else {
    EXPECT_EQ(expected, "FAIL") << where;
    EXPECT_NE(result.err, "") << where;
  }
}

// Why `program` cannot be tested here, or nothing.
std::string prepare(const std::string &program) {
  if (CONNMARK_PLUGIN_HAS_SANITIZERS) return "iptables cannot load a plugin with sanitizers";
  if (!is_installed(program)) return program + " is not installed";
  return enter_private_network();
}

// GetParam() is a front end.
class SaveContractTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const std::string why = prepare(GetParam()); !why.empty()) GTEST_SKIP() << why;
    const CommandResult other =
        front_end({"-t", "mangle", "-A", "FORWARD", "-j", "MARK", "--set-mark", "1"});
    if (other.status != 0) GTEST_SKIP() << "no rules of " << GetParam() << " here: " << other.err;
    compares_options_ =
        front_end({"-t", "mangle", "-C", "FORWARD", "-j", "MARK", "--set-mark", "2"}).status != 0;
    ASSERT_EQ(front_end({"-t", "mangle", "-F", "FORWARD"}).status, 0);
  }

  static CommandResult front_end(std::vector<std::string> words) {
    words.insert(words.begin(), GetParam());
    return run(words);
  }

  static CommandResult append(const TableRow &row) {
    std::vector<std::string> words{"-t", "mangle", "-A", "OUTPUT", "-j", "CONNMARK"};
    std::ranges::copy(row.words(), std::back_inserter(words));
    return front_end(words);
  }

  // One restore that runs `command` (-A, -C or -D) on the rules of `rows`, as
  // the table has them, on top of what there is.
  static void for_rules(const std::string &command, const std::vector<TableRow> &rows) {
    std::string input = "*mangle\n";
    for (const TableRow &row : rows) {
      input.append(command).append(" OUTPUT -j CONNMARK ").append(row.options).append("\n");
    }
    const CommandResult result = run({GetParam() + "-restore", "--noflush"}, input + "COMMIT\n");
    EXPECT_EQ(result.status, 0) << command << "\n" << result.err;
  }

  static std::string save() { return run({GetParam() + "-save", "-t", "mangle"}).out; }

  // The rules in OUTPUT among the lines of -S or -save.
  static std::vector<std::string> rules(const std::string &text) {
    std::vector<std::string> rules = lines(text);
    std::erase_if(rules, [](const std::string &line) { return !line.starts_with("-A OUTPUT"); });
    return rules;
  }

  static std::vector<std::string> expected_rules(const std::vector<TableRow> &rows) {
    std::vector<std::string> expected;
    for (const TableRow &row : rows) expected.push_back(kRule + row.columns.at(kSaved));
    return expected;
  }

  // ip6tables-legacy 1.8.9 takes any rule with the same target for the one that
  // it is asked about.
  bool compares_options_ = false;
};

TEST_P(SaveContractTest, AcceptedOptionsAreSavedAsTheTableSays) {
  const std::vector<TableRow> rows = save_rows(true);
  ASSERT_GT(rows.size(), 100u);
  for (const TableRow &row : rows) expect_result(row, append(row));
  EXPECT_EQ(rules(save()), expected_rules(rows));
  EXPECT_EQ(rules(front_end({"-t", "mangle", "-S", "OUTPUT"}).out), expected_rules(rows));
}

TEST_P(SaveContractTest, RefusedOptionsExitWithTwoAndChangeNoRule) {
  const std::vector<TableRow> rows = save_rows(false);
  ASSERT_GT(rows.size(), 100u);
  ASSERT_EQ(front_end({"-t", "mangle", "-A", "OUTPUT", "-j", "CONNMARK", "--set-mark", "1"}).status,
            0);
  const std::vector<std::string> before = rules(save());
  ASSERT_EQ(before.size(), 1u);
  for (const TableRow &row : rows) expect_result(row, append(row));
  EXPECT_EQ(rules(save()), before);
}

TEST_P(SaveContractTest, RulesAreFoundAndDeletedAsTypedAfterSaveAndRestore) {
  const std::vector<TableRow> rows = save_rows(true);
  for_rules("-A", rows);
  const std::string saved = save();
  const CommandResult restored = run({GetParam() + "-restore"}, saved);
  ASSERT_EQ(restored.status, 0) << restored.err;
  ASSERT_EQ(rules(save()), expected_rules(rows));

  for_rules("-C", rows);
  std::vector<TableRow> deleted;
  std::vector<TableRow> kept;
  for (const TableRow &row : rows) (row.line % 2 == 0 ? deleted : kept).push_back(row);
  for_rules("-D", deleted);
  if (compares_options_) {
    // Of rules with the same text, any one may be gone.
    std::vector<std::string> left = rules(save());
    std::vector<std::string> expected = expected_rules(kept);
    std::ranges::sort(left);
    std::ranges::sort(expected);
    EXPECT_EQ(left, expected);
  }
  for_rules("-D", kept);
  EXPECT_EQ(rules(save()), std::vector<std::string>{});
}

std::string test_name(const testing::TestParamInfo<std::string> &info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Through, SaveContractTest,
                         testing::Values("iptables-legacy", "ip6tables-legacy", "iptables-nft",
                                         "ip6tables-nft"),
                         test_name);

// GetParam() is a translator.
class TranslateContractTest : public testing::TestWithParam<std::string> {};

TEST_P(TranslateContractTest, OptionsAreTranslatedAsTheTableSays) {
  if (const std::string why = prepare(GetParam()); !why.empty()) GTEST_SKIP() << why;
  const std::vector<TableRow> rows = read_table(CONNMARK_CONTRACT_DIR "/translate.txt", 1);
  ASSERT_GT(rows.size(), 100u);
  const std::string family = GetParam().starts_with("ip6") ? "ip6" : "ip";
  for (const TableRow &row : rows) {
    std::vector<std::string> words{GetParam(), "-t", "mangle", "-A", "OUTPUT", "-j", "CONNMARK"};
    std::ranges::copy(row.words(), std::back_inserter(words));
    CommandResult result = run(words);
    std::erase(result.out, '\'');  // which iptables writes around the rule since 1.8.8
    EXPECT_EQ(result.out,
              "nft add rule " + family + " mangle OUTPUT counter " + row.columns.at(0) + "\n")
        << "translate.txt:" << row.line << ": " << row.options << "\n"
        << result.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Through, TranslateContractTest,
                         testing::Values("iptables-translate", "ip6tables-translate"), test_name);

}  // namespace
}  // namespace connmark::test
