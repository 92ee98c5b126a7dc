// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules that leave the kernel as text, and come back: as iptables' own text, or
// as nft's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "semantics/nft_release.h"
#include "semantics/nft_translation.h"
#include "semantics/rule_chain.h"
#include "semantics/rule_spellings.h"

namespace connmark::test {
namespace {

constexpr std::size_t kRules = 1000;

// As many rules, or cases of four rules, as fit into one netlink message of an
// ordinary user's; see rule_chain.cpp.
constexpr std::size_t kRulesPerLoad = 500;
constexpr std::size_t kCasesPerLoad = 100;

template <typename T>
std::vector<std::vector<T>> batches(const std::vector<T> &all, std::size_t size) {
  std::vector<std::vector<T>> result;
  for (std::size_t at = 0; at < all.size(); at += size) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    const auto left = std::min(size, all.size() - at);
    result.emplace_back(first, first + static_cast<std::ptrdiff_t>(left));
  }
  return result;
}

class SavedRulesTest : public testing::TestWithParam<FrontEnd> {
 protected:
  void SetUp() override {
    if (const std::string why = enter_network_for(GetParam()); !why.empty()) GTEST_SKIP() << why;
    std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
    ops_ = random_operations(random_, kRules);
  }

  // One of the ways to type it.
  std::string typed(const Operation &op) {
    const auto ways = spellings(op);
    return ways[random_.below(static_cast<std::uint32_t>(ways.size()))];
  }

  static std::string line(const std::string &command, const std::string &options) {
    return command + " OUTPUT -j CONNMARK " + options + "\n";
  }

  // The saved table, without the comments, which hold the time.
  std::string saved() const {
    std::string text;
    for (const std::string &each : lines(output_of({GetParam().program("save"), "-t", "mangle"}))) {
      if (each.front() != '#') text += each + '\n';
    }
    return text;
  }

  void restore(const std::string &table) const {
    output_of({GetParam().program("restore")}, table);
  }

  // Whether all commands succeed; if not, the first that does not.
  testing::AssertionResult take(const std::string &commands) const {
    const std::string input = "*mangle\n" + commands + "COMMIT\n";
    const CommandResult result = run({GetParam().program("restore"), "--noflush"}, input);
    if (result.status == 0) return testing::AssertionSuccess();
    std::size_t number = 0;
    const std::size_t at = result.err.find("line ");
    if (at != result.err.npos) std::sscanf(result.err.c_str() + at, "line %zu", &number);
    const auto all = lines(input);
    return testing::AssertionFailure()
           << (number > 0 && number <= all.size() ? all[number - 1] : "") << '\n'
           << result.err;
  }

  // Loads the rules, as typed, into a fresh network, saves them, and restores
  // what was saved into another one.
  void save_and_restore(const std::vector<Operation> &ops) {
    ASSERT_EQ(enter_private_network(), "");
    std::string rules;
    for (const Operation &op : ops) rules += line("-A", typed(op));
    restore("*mangle\n" + rules + "COMMIT\n");
    const std::string text = saved();
    ASSERT_EQ(enter_private_network(), "");
    restore(text);
  }

  // ip6tables-legacy 1.8.9 takes any rule with the same target for the one that
  // it was asked about, whatever its options.
  bool compares_options() const {
    EXPECT_EQ(enter_private_network(), "");
    restore("*mangle\n-A OUTPUT -j MARK --set-mark 1\nCOMMIT\n");
    return !take("-C OUTPUT -j MARK --set-mark 2\n");
  }

  RandomRules random_{random_seed()};
  std::vector<Operation> ops_;
};

TEST_P(SavedRulesTest, RestoreToTheSameText) {
  for (const auto &ops : batches(ops_, kRulesPerLoad)) {
    save_and_restore(ops);
    const std::string once = saved();
    std::string expected;
    for (const Operation &op : ops) expected += line("-A", options_for(op));
    EXPECT_NE(once.find(":POSTROUTING ACCEPT [0:0]\n" + expected + "COMMIT\n"), once.npos) << once;

    ASSERT_EQ(enter_private_network(), "");
    restore(once);
    EXPECT_EQ(saved(), once);
  }
}

TEST_P(SavedRulesTest, AreFoundAndDeletedHoweverTheyAreTyped) {
  for (const auto &ops : batches(ops_, kRulesPerLoad)) {
    save_and_restore(ops);
    std::string checks;
    std::string deletions;
    for (const Operation &op : ops) {
      for (const std::string &way : spellings(op)) checks += line("-C", way);
      deletions += line("-D", typed(op));
    }
    EXPECT_TRUE(take(checks));
    EXPECT_TRUE(take(deletions));
    EXPECT_EQ(saved().find("CONNMARK"), std::string::npos) << saved();
  }
}

TEST_P(SavedRulesTest, AreFoundAndDeletedBySingleCommands) {
  const std::vector<Operation> ops(ops_.begin(), ops_.begin() + 50);
  save_and_restore(ops);
  for (const Operation &op : ops) {
    for (const char *command : {"-C", "-D"}) {
      std::vector<std::string> argv{program(GetParam().family, GetParam().back_end), "-t",
                                    "mangle"};
      for (const std::string &word : words(line(command, typed(op)))) argv.push_back(word);
      const CommandResult result = run(argv);
      EXPECT_EQ(result.status, 0) << command << ' ' << options_for(op) << '\n' << result.err;
    }
  }
  EXPECT_EQ(saved().find("CONNMARK"), std::string::npos) << saved();
}

TEST_P(SavedRulesTest, AreNotFoundWhenTheyAreNotThere) {
  if (!compares_options()) {
    GTEST_SKIP() << GetParam().program("restore") << " does not compare the options of targets";
  }
  const Operation first = set_mark(1);
  const Operation second = with_shift(first, Direction::kLeft, 1);
  const Operation third = save_mark(1, 2);
  save_and_restore({first});
  EXPECT_FALSE(take(line("-C", options_for(second))));
  EXPECT_FALSE(take(line("-D", options_for(third))));
  EXPECT_TRUE(take(line("-C", options_for(first))));
}

INSTANTIATE_TEST_SUITE_P(AllFrontEnds, SavedRulesTest, testing::ValuesIn(kFrontEnds),
                         name_of_front_end);

// iptables' rules, replaced by nft's before the packet comes.
class ReplacedChain : public XtChain {
 public:
  ReplacedChain(const FrontEnd &front_end, std::vector<std::string> nft)
      : XtChain(front_end), nft_(std::move(nft)) {}

  void complete() override {
    const std::string text = as_nft();
    if (const std::string why = enter_private_network(); !why.empty()) {
      throw std::runtime_error(why);
    }
    nft({"-f", "-"}, text);
  }

  std::vector<std::uint64_t> counts() const override {
    return nft_counts(nft({"list", "ruleset"}));
  }

 protected:
  std::string nft(std::initializer_list<std::string> arguments, std::string_view input = {}) const {
    std::vector<std::string> argv = nft_;
    argv.insert(argv.end(), arguments);
    return output_of(argv, input);
  }

 private:
  virtual std::string as_nft() const = 0;

  std::vector<std::string> nft_;
};

// By nft list ruleset | nft -f -.  nft asks the plugin under test for the text
// of iptables-nft's rules; one that finds no plugin prints xt target "CONNMARK",
// which no nft loads.
class ListedChain : public ReplacedChain {
 public:
  ListedChain(Family family, std::vector<std::string> nft)
      : ReplacedChain({family, "nft"}, std::move(nft)) {}

 private:
  std::string as_nft() const override { return nft({"list", "ruleset"}); }
};

// By iptables-legacy-save | iptables-restore-translate | nft -f -.
class TranslatedChain : public ReplacedChain {
 public:
  TranslatedChain(Family family, std::vector<std::string> nft)
      : ReplacedChain({family, "legacy"}, std::move(nft)) {}

 private:
  std::string as_nft() const override {
    const std::string saved = output_of({program(family(), "legacy-save")});
    return output_of({program(family(), "restore-translate"), "-f", "/dev/stdin"}, saved);
  }
};

// This machine's nft has to do with the rules that need one mark on the right
// side; those that need both take nft 1.1.2, where need be Debian 13's.
class RulesAsNftTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    nft_ = find_nft(NftAge::kTwoSources);
    for (const char *back_end : {"legacy", "nft"}) {
      const std::string why = enter_network_for({GetParam(), back_end});
      if (!why.empty()) GTEST_SKIP() << why;
    }
    std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
    ops_ = random_operations(random_, kRules);
  }

  template <typename Chain>
  void expect_same_effect(const std::vector<std::string> &nft, const std::vector<Operation> &ops) {
    Chain chain(GetParam(), nft);
    for (const auto &cases : batches(mark_cases(random_, ops, 0), kCasesPerLoad)) {
      EXPECT_TRUE(all_predictions_hold(chain, cases));
    }
  }

  template <typename Chain>
  void expect_same_effect_with_this_nft() {
    if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
    // Less than half of all rules are such.
    const auto candidates = random_operations(random_, 4 * kRules);
    const auto statements = translations(GetParam(), candidates);
    std::vector<Operation> ops;
    for (const Operation &op : candidates) {
      if (ops.size() < kRules && !has_two_sources(statements.at(options_for(op)))) {
        ops.push_back(op);
      }
    }
    ASSERT_EQ(ops.size(), kRules);
    expect_same_effect<Chain>({"nft"}, ops);
  }

  template <typename Chain>
  void expect_same_effect_with_capable_nft() {
    if (!nft_.skipped.empty()) GTEST_SKIP() << nft_.skipped;
    ASSERT_EQ(nft_.failed, "");
    if (!loads_two_sources(nft_.command)) {
      GTEST_SKIP() << "this kernel takes no statement with two marks on the right side";
    }
    expect_same_effect<Chain>(nft_.command, ops_);
  }

  NftRelease nft_;
  RandomRules random_{random_seed()};
  std::vector<Operation> ops_;
};

TEST_P(RulesAsNftTest, ListedWithOneMarkOnTheRightSideDoTheSame) {
  expect_same_effect_with_this_nft<ListedChain>();
}

TEST_P(RulesAsNftTest, ListedDoTheSame) { expect_same_effect_with_capable_nft<ListedChain>(); }

TEST_P(RulesAsNftTest, TranslatedWithOneMarkOnTheRightSideDoTheSame) {
  expect_same_effect_with_this_nft<TranslatedChain>();
}

TEST_P(RulesAsNftTest, TranslatedDoTheSame) {
  expect_same_effect_with_capable_nft<TranslatedChain>();
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, RulesAsNftTest, testing::ValuesIn(kFamilies),
                         name_of_family);

}  // namespace
}  // namespace connmark::test
