// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random tables of nft, read from the running kernel and from the list of them
// that nft prints: both must say the same.
#include "command/random_nft_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "command/read_files/nft_json_reader.h"
#include "command/read_kernel/nf_tables.h"
#include "command/read_text.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

constexpr std::size_t kSets = 2000;
constexpr std::size_t kSetsPerLoad = 20;

constexpr TextReader kReader{read_nft_json, "nft.json"};

std::string name_of(const Ruleset &ruleset, ChainIndex chain) {
  return ruleset.chains[chain].table + " " + ruleset.chains[chain].name;
}

std::string text_of(const Ruleset &ruleset, const Branch &branch) {
  return std::to_string(static_cast<int>(branch.verdict)) +
         (branch.chain == kNoChain ? "" : " " + name_of(ruleset, branch.chain));
}

std::string way_of(const Ruleset &ruleset, const Rule &rule) {
  std::set<std::string> branches;
  if (rule.branches != nullptr) {
    for (const Branch &branch : *rule.branches) branches.insert(text_of(ruleset, branch));
  }
  std::string text = text_of(ruleset, rule.outcome) + (rule.untracks ? " untracks" : "");
  for (const std::string &each : branches) text += " | " + each;
  return text;
}

std::string text_of(const MarkExpression &value) {
  std::string text;
  for (int i = 0; i < 32; ++i) {
    const BitValue &bit = value.bit(i);
    text += bit.unknown ? " ?" : bit.connection >= 0 ? " c" + std::to_string(bit.connection) : " -";
    if (bit.packet >= 0) text += "p" + std::to_string(bit.packet);
    if (bit.inverted) text += "!";
  }
  return text;
}

// All but the words of other matches, which each reader has its own of.
std::string text_of(const Match &match) {
  std::ostringstream out;
  out << static_cast<int>(match.attribute) << match.is_stable;
  if (match.attribute != Attribute::kOther) {
    out << match.inverted << ' ' << match.from << ' ' << match.to << ' ' << match.text;
  }
  return out.str();
}

// Between two writes the order is of no matter, and nft lists some where it needs
// them, not where they were.
std::string matches_of(const Rule &rule) {
  std::vector<std::size_t> ends;
  for (const MarkWrite &write : rule.writes) ends.push_back(write.matches_before);
  ends.push_back(rule.matches.size());
  std::string text;
  std::size_t i = 0;
  for (const std::size_t end : ends) {
    std::multiset<std::string> matches;
    for (; i < end; ++i) matches.insert(text_of(rule.matches[i]));
    for (const std::string &match : matches) text += "match " + match + "\n";
    text += "--\n";
  }
  return text;
}

std::vector<Match> others_of(const Rule &rule) {
  std::vector<Match> others;
  std::ranges::copy_if(rule.matches, std::back_inserter(others),
                       [](const Match &match) { return match.attribute == Attribute::kOther; });
  return others;
}

std::string text_of(const Ruleset &ruleset, const Rule &rule) {
  std::ostringstream out;
  out << way_of(ruleset, rule) << '\n' << rule.comment << '\n';
  out << matches_of(rule);
  for (const MarkTest &test : rule.tests) {
    out << "test " << name(test.mark) << ' ' << test.value << '/' << test.mask << ' '
        << test.inverted << test.value_known << test.decides << '\n';
  }
  for (const MarkWrite &write : rule.writes) {
    out << "write " << name(write.mark) << text_of(write.value) << " behind "
        << write.matches_before << ", " << write.tests_before << '\n';
  }
  out << "unknown " << rule.unknown.empty() << " text " << rule.text.empty();
  return out.str();
}

std::string text_of(const Chain &chain) {
  std::ostringstream out;
  out << static_cast<int>(chain.family) << ' ' << (chain.hook ? static_cast<int>(*chain.hook) : -1)
      << ' ' << chain.priority << ' ' << chain.reroutes << chain.is_nat << chain.policy_drops;
  return out.str();
}

using Rules = std::map<std::tuple<std::string, std::uint64_t>, const Rule *>;

Rules rules_of(const Ruleset &ruleset) {
  Rules rules;
  for (const Rule &rule : ruleset.rules) {
    rules[{name_of(ruleset, rule.chain), rule.number}] = &rule;
  }
  return rules;
}

std::map<std::string, std::string> chains_of(const Ruleset &ruleset) {
  std::map<std::string, std::string> chains;
  for (ChainIndex i = 0; i < ruleset.chains.size(); ++i) {
    chains[name_of(ruleset, i)] = text_of(ruleset.chains[i]);
  }
  return chains;
}

// What has the same words in one reader has the same words in the other; but of
// sets without a name the kernel's reader has no more than the kernel's name.
class SameWords {
 public:
  void expect(Match listed, const Match &kernel) {
    // For the kernel all ports are at one place.
    for (const std::string_view port : {"tcp ", "udp "}) {
      for (std::size_t at = 0; (at = listed.text.find(port, at)) != listed.text.npos; ++at) {
        const std::string_view field = std::string_view(listed.text).substr(at + port.size(), 5);
        if (field == "sport" || field == "dport") listed.text.replace(at, port.size(), "th ");
      }
    }
    if (kernel.text.find("@__") == kernel.text.npos) expect(there_, listed, kernel);
    expect(back_, kernel, listed);
  }

 private:
  using Words = std::map<std::pair<std::string, bool>, std::pair<std::string, bool>>;
  static void expect(Words &words, const Match &one, const Match &other) {
    if (!one.is_stable) return;
    const auto [found, is_new] =
        words.try_emplace({one.text, one.inverted}, other.text, other.inverted);
    EXPECT_EQ(found->second, (std::pair{other.text, other.inverted})) << one.text;
  }

  Words there_;
  Words back_;
};

void expect_same(const Ruleset &listed, const Ruleset &kernel) {
  EXPECT_EQ(chains_of(listed), chains_of(kernel));
  const Rules of_list = rules_of(listed);
  const Rules of_kernel = rules_of(kernel);
  EXPECT_EQ(of_list.size(), of_kernel.size());
  std::map<std::string, SameWords> words;
  for (const auto &[place, rule] : of_list) {
    const auto found = of_kernel.find(place);
    ASSERT_NE(found, of_kernel.end()) << std::get<0>(place) << ": " << rule->text;
    const Rule &same = *found->second;
    EXPECT_EQ(text_of(listed, *rule), text_of(kernel, same))
        << name_of(listed, rule->chain) << " handle " << rule->number << ": " << rule->text << '\n'
        << same.text;
    const std::vector<Match> one = others_of(*rule);
    const std::vector<Match> other = others_of(same);
    if (one.size() != other.size()) continue;
    SameWords &of_table = words[listed.chains[rule->chain].table];
    for (std::size_t i = 0; i < one.size(); ++i) of_table.expect(one[i], other[i]);
  }
}

TEST(RandomNftRulesTest, KernelAndListSayTheSame) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  std::cout << "CONNMARK_SEED=" << random_seed() << '\n';
  RandomRules random(random_seed());
  std::size_t rules = 0;
  for (std::size_t first = 0; first < kSets; first += kSetsPerLoad) {
    std::string text = "flush ruleset\n";
    for (std::size_t i = 0; i < kSetsPerLoad; ++i) {
      text += random_nft_table(random, "t" + std::to_string(i));
    }
    const CommandResult loaded = run({"nft", "-f", "-"}, text);
    ASSERT_EQ(loaded.status, 0) << loaded.err;
    Ruleset kernel;
    read_nf_tables(kernel);
    const Ruleset listed = kReader.read(run({"nft", "-j", "list", "ruleset"}).out);
    expect_same(listed, kernel);
    rules += kernel.rules.size();
    if (HasFailure()) break;
  }
  EXPECT_GT(rules, kSets * 5);
}

}  // namespace
}  // namespace connmark::test
