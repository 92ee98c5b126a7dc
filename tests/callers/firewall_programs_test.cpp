// SPDX-License-Identifier: GPL-2.0-or-later
//
// What firewall programs pipe into iptables-restore and which commands they run
// (inputs/README.md), under both plugins, in both back ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "callers/both_plugins.h"
#include "differential/typed_options.h"

namespace connmark::test {
namespace {

// TOOL.restore.FAMILY or TOOL.commands.FAMILY
struct Input {
  std::string name;
  std::string text;

  bool is_restore() const { return name.find(".restore.") != std::string::npos; }
  Family family() const { return name.ends_with(".ipv4") ? Family::kIpv4 : Family::kIpv6; }
};

std::vector<std::string> input_names() {
  std::vector<std::string> names;
  for (const auto &file : std::filesystem::directory_iterator(CONNMARK_CALLER_INPUTS)) {
    if (file.path().extension() != ".md") names.push_back(file.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

Input read_input(const std::string &name) {
  std::ifstream file(std::string(CONNMARK_CALLER_INPUTS) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return {name, text.str()};
}

// The words behind the target's name, for each rule with CONNMARK.
std::vector<std::vector<std::string>> connmark_options(const Input &input) {
  std::vector<std::vector<std::string>> all;
  for (const std::string &line : lines(input.text)) {
    const std::vector<std::string> all_words = words(line);
    const auto target = std::ranges::find(all_words, "CONNMARK");
    if (target != all_words.end()) all.emplace_back(target + 1, all_words.end());
  }
  return all;
}

// Of these ours says what they do, and is silent about all others.
bool has_mask_next_to_set(const std::vector<std::string> &options) {
  const auto typed = typed_options(options);
  return !of_kind(typed, Kind::kSet).empty() && !of_kind(typed, Kind::kMask).empty();
}

struct Outcome {
  int status = 0;
  std::string err;
  std::vector<TableRule> rules;
  std::string saved;
};

std::string without_comments(const std::string &text) {
  std::string kept;
  for (const std::string &line : lines(text)) {
    if (!line.starts_with('#')) kept += line + '\n';
  }
  return kept;
}

// The commands one by one, as far as the first that fails.
CommandResult run_commands(const Input &input, const std::string &back_end, const Plugin &plugin) {
  CommandResult all;
  all.status = 0;
  for (const std::string &line : lines(input.text)) {
    std::vector<std::string> command = words(line);
    if (command.empty() || command.front().starts_with('#')) continue;
    command.front() = program(input.family(), back_end);
    const CommandResult result = run(command, {}, {plugin.environment});
    all.err += result.err;
    all.status = result.status;
    if (result.status != 0) break;
  }
  return all;
}

// In a network of its own, so that nothing is left of the other plugin's run.
std::optional<Outcome> play(const Input &input, BackEnd back_end, const Plugin &plugin) {
  if (!enter_private_network().empty()) return std::nullopt;
  const std::string name = back_end == BackEnd::kLegacy ? "legacy" : "nft";
  const CommandResult result = input.is_restore()
                                   ? run({program(input.family(), name + "-restore"), "-n"},
                                         input.text, {plugin.environment})
                                   : run_commands(input, name, plugin);
  const CommandResult saved =
      run({program(input.family(), name + "-save"), "-t", "mangle"}, {}, {plugin.environment});
  return Outcome{result.status, result.err, read_mangle_table(back_end, input.family()),
                 without_comments(saved.out)};
}

class FirewallProgramsTest : public testing::TestWithParam<std::tuple<BackEnd, std::string>> {};

TEST_P(FirewallProgramsTest, RulesReachTheKernelAsWithIptablesPlugin) {
  const auto &[back_end, name] = GetParam();
  const Input input = read_input(name);
  const auto options = connmark_options(input);
  ASSERT_FALSE(options.empty());
  if (const std::string why = why_not_comparable(); !why.empty()) GTEST_SKIP() << why;
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;

  const auto stock = play(input, back_end, stock_plugin());
  const auto ours = play(input, back_end, our_plugin());
  ASSERT_TRUE(stock && ours) << "no further private networks";
  if (stock->status != 0) GTEST_SKIP() << "iptables refuses these rules here: " << stock->err;
  ASSERT_EQ(ours->status, 0) << ours->err;

  // Each rule of the input is one in the kernel.
  EXPECT_EQ(connmark_targets(stock->rules).size(), options.size());
  BytesJudge judge;
  judge.look_at(name, stock->rules, ours->rules);
  EXPECT_EQ(stock->saved, ours->saved);

  std::string other_words;
  int warnings = 0;
  for (const std::string &line : lines(ours->err)) {
    if (line.starts_with("CONNMARK: ")) {
      ++warnings;
    } else {
      other_words += line + '\n';
    }
  }
  EXPECT_EQ(other_words, stock->err);
  EXPECT_EQ(warnings, std::ranges::count_if(options, has_mask_next_to_set)) << ours->err;
}

std::string test_name(const testing::TestParamInfo<FirewallProgramsTest::ParamType> &info) {
  std::string name = std::get<1>(info.param);
  std::ranges::replace(name, '.', '_');
  return name + (std::get<0>(info.param) == BackEnd::kLegacy ? "_legacy" : "_nft");
}

INSTANTIATE_TEST_SUITE_P(All, FirewallProgramsTest,
                         testing::Combine(testing::Values(BackEnd::kLegacy, BackEnd::kNft),
                                          testing::ValuesIn(input_names())),
                         test_name);

}  // namespace
}  // namespace connmark::test
