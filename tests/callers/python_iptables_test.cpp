// SPDX-License-Identifier: GPL-2.0-or-later
//
// python-iptables loads plugins into its own process and calls them option by
// option, each time with flags that are zero, so a plugin knows of what came
// before by the bytes of the rule alone.  Debian: python3-iptables.
#include <gtest/gtest.h>

#include <algorithm>

#include "callers/both_plugins.h"

namespace connmark::test {
namespace {

// Not the first python3 on PATH, for which Debian's module need not be there.
constexpr char kPython[] = "/usr/bin/python3";

struct Played {
  CommandResult result;
  std::vector<std::string> answers;      // of each rule
  std::vector<std::string> from_kernel;  // of each rule that is there
  std::vector<TableRule> rules;
};

using Options = std::vector<std::string>;  // NAME=VALUE

std::string one_line(const Options &options) {
  std::string line;
  for (const std::string &option : options) line += (line.empty() ? "" : "\t") + option;
  return line;
}

Played run_python(Family family, const std::vector<Options> &rules, const Plugin &plugin) {
  std::string input;
  for (const Options &options : rules) input += one_line(options) + "\n";
  Played played;
  if (const std::string why = enter_private_network(); !why.empty()) {
    ADD_FAILURE() << why;
    return played;
  }
  played.result = run({kPython, CONNMARK_PYTHON_RULES, family == Family::kIpv4 ? "4" : "6"}, input,
                      {plugin.environment});
  const std::vector<std::string> answers = lines(played.result.out);
  const auto end = std::ranges::find(answers, "kernel");
  played.answers.assign(answers.begin(), end);
  if (end != answers.end()) played.from_kernel.assign(end + 1, answers.end());
  played.rules = read_mangle_table(BackEnd::kLegacy, family);
  if (played.result.status != 0) {
    const auto done = static_cast<std::size_t>(std::ranges::count(played.result.err, '\n'));
    ADD_FAILURE() << plugin.name << ": ended with status " << played.result.status
                  << " at: " << (done < rules.size() ? one_line(rules[done]) : "the end") << "\n"
                  << played.result.err;
  }
  return played;
}

// Every order of every choice of `count` options.
void add_orders(const Options &options, std::size_t count, Options &chosen,
                std::vector<Options> &all) {
  if (chosen.size() == count) {
    all.push_back(chosen);
    return;
  }
  for (const std::string &option : options) {
    if (std::ranges::find(chosen, option) != chosen.end()) continue;
    chosen.push_back(option);
    add_orders(options, count, chosen, all);
    chosen.pop_back();
  }
}

bool is_set(std::string_view option) {
  return option.starts_with("set-") || option.starts_with("and-") || option.starts_with("or-") ||
         option.starts_with("xor-");
}

bool is_copy(std::string_view option) {
  return option.starts_with("save-") || option.starts_with("restore-");
}

bool is_packet_mask(std::string_view option) {
  return option.starts_with("nfmask") || option.starts_with("mask");
}

// A set operation makes nothing of the packet's mask, and with our plugin it puts
// that back to all ones.  To see it takes a second operation behind the set,
// which iptables refuses and python-iptables does not.
bool shows_the_mask_of_a_set(const Options &options) {
  const auto mask = std::ranges::find_if(options, is_packet_mask);
  const auto set = std::find_if(mask, options.end(), is_set);
  const auto copy = std::find_if(set, options.end(), is_copy);
  return copy != options.end() &&
         std::find_if(copy, options.end(), is_packet_mask) == options.end();
}

std::vector<Options> all_orders() {
  const Options every = {
      "set-mark=0x1",  "set-xmark=0x12/0xff", "and-mark=0xf0",     "or-mark=8",
      "xor-mark=0x10", "save-mark=",          "restore-mark=",     "nfmask=0xf",
      "ctmask=0xff",   "mask=0xff00",         "left-shift-mark=8", "right-shift-mark=4"};
  std::vector<Options> all;
  Options chosen;
  for (std::size_t count = 0; count <= 3; ++count) add_orders(every, count, chosen, all);
  for (const char *const operation :
       {"set-mark=2", "set-xmark=0x12/0xff", "save-mark=", "restore-mark="}) {
    for (const char *const shift : {"left-shift-mark=8", "right-shift-mark=0"}) {
      add_orders({operation, shift, "nfmask=0xf", "ctmask=0xff"}, 4, chosen, all);
    }
  }
  std::erase_if(all, shows_the_mask_of_a_set);
  return all;
}

class PythonIptablesTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (const std::string why = why_not_comparable(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const CommandResult works =
        run({kPython, CONNMARK_PYTHON_RULES, "4"}, "save-mark=\n", {stock_plugin().environment});
    if (works.out.starts_with("done")) return;
    const auto err = lines(works.err);
    GTEST_SKIP() << "python3-iptables does not work here with iptables' own plugin: status "
                 << works.status << " " << (err.empty() ? "" : err.back());
  }

  static Family family() { return GetParam(); }
};

TEST_P(PythonIptablesTest, EveryOrderOfOptionsGivesTheRuleOfIptablesPlugin) {
  const std::vector<Options> rules = all_orders();
  const Played stock = run_python(family(), rules, stock_plugin());
  const Played ours = run_python(family(), rules, our_plugin());
  ASSERT_EQ(stock.answers.size(), rules.size());
  ASSERT_EQ(ours.answers.size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(ours.answers[i], stock.answers[i]) << one_line(rules[i]);
  }
  EXPECT_EQ(stock.rules.size(), rules.size());
  BytesJudge judge;
  judge.look_at("the kernel's rules", stock.rules, ours.rules);
  EXPECT_EQ(ours.from_kernel, stock.from_kernel);
}

TEST_P(PythonIptablesTest, ASetPutsThePacketMaskBackForASecondOperation) {
  const std::vector<Options> rules = {{"nfmask=0xf", "set-mark=1", "save-mark="},
                                      {"mask=0xf", "or-mark=1", "restore-mark="}};
  EXPECT_TRUE(std::ranges::all_of(rules, shows_the_mask_of_a_set));
  EXPECT_EQ(run_python(family(), rules, stock_plugin()).answers,
            (std::vector<std::string>{"done\tsave-mark nfmask 0xf ctmask 0xffffffff",
                                      "done\trestore-mark nfmask 0xf ctmask 0x1"}));
  EXPECT_EQ(run_python(family(), rules, our_plugin()).answers,
            (std::vector<std::string>{"done\tsave-mark nfmask 0xffffffff ctmask 0xffffffff",
                                      "done\trestore-mark nfmask 0xffffffff ctmask 0x1"}));
}

// An exception is of another class than with iptables' plugin, which describes
// its options in a table that python-iptables checks before the plugin sees them;
// that table is what makes such a plugin crash in another iptables.
TEST_P(PythonIptablesTest, BadValuesAndUnknownOptionsRaiseAndLeaveNoTrace) {
  struct Case {
    Options options;
    std::string stock;
    std::string ours;
  };
  const std::string value = "ValueError\t-";
  const std::string attribute = "AttributeError\t-";
  const std::string xtables = "XTablesError\t-";
  const std::string plain_save = "done\tsave-mark nfmask 0xffffffff ctmask 0xffffffff";
  const Case cases[] = {
      {{"set-mark=x"}, xtables, value},
      {{"set-mark="}, xtables, value},
      {{"mask="}, xtables, value},
      {{"set-mark=1/"}, xtables, value},
      {{"set-xmark=0x100000000"}, xtables, value},
      {{"nfmask=-1"}, xtables, value},
      {{"left-shift-mark=33"}, xtables, value},
      {{"save-mark=!"}, xtables, value},
      {{"set-mark=!1"}, xtables, value},
      {{"no-such-mark=1"}, xtables, attribute},
      {{"set-marks=1"}, xtables, attribute},
      {{"set-mar=1"}, xtables, attribute},
      {{"nfmask=1", "ctmask=x", "save-mark="}, xtables, value},
      // What a user would write next.
      {{"save-mark="}, plain_save, plain_save},
  };
  std::vector<Options> rules;
  for (const Case &each : cases) rules.push_back(each.options);
  const Played stock = run_python(family(), rules, stock_plugin());
  const Played ours = run_python(family(), rules, our_plugin());
  ASSERT_EQ(stock.answers.size(), rules.size());
  ASSERT_EQ(ours.answers.size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(stock.answers[i], cases[i].stock) << one_line(rules[i]);
    EXPECT_EQ(ours.answers[i], cases[i].ours) << one_line(rules[i]);
  }
  BytesJudge judge;
  judge.look_at("the kernel's rules", stock.rules, ours.rules);
}

INSTANTIATE_TEST_SUITE_P(Both, PythonIptablesTest, testing::ValuesIn(kFamilies),
                         [](const auto &family) {
                           return family.param == Family::kIpv4 ? "IPv4" : "IPv6";
                         });

}  // namespace
}  // namespace connmark::test
