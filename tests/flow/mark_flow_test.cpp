// SPDX-License-Identifier: GPL-2.0-or-later
//
// The audit's proofs and witnesses against everything that can happen.
#include "command/flow/mark_flow.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "flow/brute_force.h"
#include "flow/random_ruleset.h"

namespace connmark::test {
namespace {

// What brute force takes for possible.
FlowOptions options_of_brute_force() {
  FlowOptions options;
  options.connections = {{}};
  for (const Way way : {Way::kReceived, Way::kForwarded, Way::kSent, Way::kLooped}) {
    for (const bool is_reply : {false, true}) options.connections[0].push_back({way, is_reply});
  }
  options.received_are_marked = true;
  options.has_icmp_errors = false;
  options.addresses_stay = false;
  return options;
}

Decision decision_of(PairVerdict verdict) {
  if (verdict == PairVerdict::kWitness) return Decision::kWitness;
  return verdict == PairVerdict::kKeptAway ? Decision::kKeptAway : Decision::kApart;
}

std::string text_of(Mark mark) { return mark == Mark::kPacket ? "p" : "c"; }

// For whoever has to find out why the two differ.
std::string text_of(const OwnedRuleset &set) {
  std::ostringstream out;
  for (ChainIndex i = 0; i < set.ruleset.chains.size(); ++i) {
    const Chain &chain = set.ruleset.chains[i];
    out << "chain " << i << ": family " << static_cast<int>(chain.family) << " input "
        << chain.input << " hook " << (chain.hook ? static_cast<int>(*chain.hook) : -1)
        << " priority " << chain.priority << (chain.is_nat ? " nat" : "")
        << (chain.policy_drops ? " drops" : "") << (chain.reroutes ? " reroutes" : "") << "\n";
  }
  for (RuleIndex i = 0; i < set.ruleset.rules.size(); ++i) {
    const Rule &rule = set.ruleset.rules[i];
    out << "rule " << i << " of " << set.owners.of_rules[i] << " in " << rule.chain << ":";
    for (const Match &match : rule.matches) {
      out << " match " << (match.inverted ? "!" : "") << static_cast<int>(match.attribute) << "("
          << match.from << "-" << match.to << " " << match.text << ")"
          << (match.is_stable ? "" : " unstable");
    }
    for (const MarkTest &test : rule.tests) {
      out << " test " << text_of(test.mark) << "&" << test.mask << (test.inverted ? "!=" : "==")
          << test.value << (test.value_known ? "" : " unknown") << (test.decides ? "" : " looks");
    }
    for (const MarkWrite &write : rule.writes) {
      out << " write(" << write.matches_before << "," << write.tests_before << ") "
          << text_of(write.mark) << "=[";
      for (int bit = 3; bit >= 0; --bit) {
        const BitValue &value = write.value.bit(bit);
        if (value.unknown) out << "?";
        if (value.connection >= 0) out << "c" << int{value.connection};
        if (value.packet >= 0) out << "p" << int{value.packet};
        out << (value.inverted ? "^1 " : " ");
      }
      out << "]";
    }
    out << " verdict " << static_cast<int>(rule.outcome.verdict);
    if (rule.outcome.chain != kNoChain) out << " to " << rule.outcome.chain;
    if (rule.branches) {
      for (const Branch &each : *rule.branches) {
        out << " branch " << static_cast<int>(each.verdict) << ":" << each.chain;
      }
    }
    out << (rule.untracks ? " untracks" : "") << (rule.mark_rule ? " xt" : "") << "\n";
  }
  for (std::size_t i = 0; i < set.ruleset.policy_rules.size(); ++i) {
    const PolicyRule &rule = set.ruleset.policy_rules[i];
    out << "policy " << i << " of " << set.owners.of_policy_rules[i] << ": family "
        << static_cast<int>(rule.family) << " " << rule.value << "/" << rule.mask << "\n";
  }
  return out.str();
}

std::string text_of(const Example &example) {
  std::ostringstream out;
  const Packet &packet = example.packet;
  out << "way " << static_cast<int>(packet.way) << (packet.is_reply ? " reply" : "") << " family "
      << static_cast<int>(packet.family) << " state " << packet.state << " confirmed "
      << packet.connection_is_confirmed << ", marks p " << example.before_with_writes.nf << " c "
      << example.before_with_writes.ct << " and without p " << example.before_without_writes.nf
      << " c " << example.before_without_writes.ct << "; seen by "
      << (example.seen.by_policy_rule ? "policy " : "rule ") << example.seen.observer << " test "
      << example.seen.test << ": " << example.seen.bits << " and " << example.other_bits;
  return out.str();
}

std::string text_of(const Witness &witness) {
  std::ostringstream out;
  out << "witness: " << (witness.by_policy_rule ? "policy " : "rule ") << witness.observer;
  for (const WitnessPacket &each : witness.packets) {
    out << "; way " << static_cast<int>(each.packet.way) << (each.packet.is_reply ? " reply" : "")
        << " state " << each.packet.state << " confirmed " << each.packet.connection_is_confirmed
        << " p " << each.start_mark << " c " << each.connection_mark << " without "
        << each.connection_mark_without;
  }
  return out.str();
}

struct Comparison {
  int pairs = 0;
  int undecided = 0;
  int wrong = 0;
};

void compare(const OwnedRuleset &set, int number, Comparison &comparison) {
  const Decisions all = decide_by_brute_force(set.ruleset, set.owners, kRandomBits);
  if (!all.is_complete) return;
  GroupedRules owners;
  owners.count = static_cast<std::size_t>(set.owners.count);
  owners.of_rule.assign(set.owners.of_rules.begin(), set.owners.of_rules.end());
  owners.of_policy_rule.assign(set.owners.of_policy_rules.begin(),
                               set.owners.of_policy_rules.end());
  const OwnerPairs found = MarkFlow(set.ruleset, options_of_brute_force()).pairs(owners);
  std::vector<bool> is_found(owners.count * owners.count, false);
  for (const OwnerPair &pair : found.pairs) {
    is_found[pair.writer * owners.count + pair.victim] = true;
    ++comparison.pairs;
    if (pair.effect.verdict == PairVerdict::kUndecided) {
      ++comparison.undecided;
      continue;
    }
    const PairDecision &truth =
        all.of(static_cast<int>(pair.writer), static_cast<int>(pair.victim));
    if (decision_of(pair.effect.verdict) == truth.decision) continue;
    ++comparison.wrong;
    ADD_FAILURE() << "set " << number << ", owners " << pair.writer << " and " << pair.victim
                  << ": the analysis says " << static_cast<int>(pair.effect.verdict)
                  << ", brute force " << static_cast<int>(truth.decision) << "\n"
                  << text_of(truth.example) << "\n"
                  << (pair.effect.witness ? text_of(*pair.effect.witness) : "no witness") << "\n"
                  << text_of(set);
  }
  for (std::uint32_t writer = 0; writer < owners.count; ++writer) {
    for (std::uint32_t victim = 0; victim < owners.count; ++victim) {
      if (writer == victim || is_found[writer * owners.count + victim]) continue;
      EXPECT_NE(all.of(static_cast<int>(writer), static_cast<int>(victim)).decision,
                Decision::kWitness)
          << "set " << number << ", owners " << writer << " and " << victim
          << " are said to have no bit in common\n"
          << text_of(set);
    }
  }
}

class MarkFlowTest : public testing::TestWithParam<Variety> {};

TEST_P(MarkFlowTest, SaysWhatBruteForceSays) {
  const std::uint64_t seed = random_seed();
  std::cout << "seed " << seed << "\n";
  RandomRules random(seed);
  // Of 2,000; CONNMARK_FLOW_SETS is for more of them.
  const char *const given = std::getenv("CONNMARK_FLOW_SETS");
  const int usual = GetParam() == Variety::kUnknown ? 200 : 900;
  const int sets = given != nullptr ? std::atoi(given) : usual;
  Comparison comparison;
  for (int i = 0; i < sets && comparison.wrong < 10; ++i) {
    compare(random_ruleset(random, GetParam()), i, comparison);
  }
  std::cout << comparison.pairs << " pairs, " << comparison.undecided << " undecided\n";
  const int allowed = GetParam() == Variety::kPlain ? 0 : comparison.pairs / 50;
  EXPECT_LE(comparison.undecided, allowed);
  EXPECT_GT(comparison.pairs, sets);
}

std::string name_of(const testing::TestParamInfo<Variety> &variety) {
  if (variety.param == Variety::kPlain) return "Plain";
  return variety.param == Variety::kMixed ? "Mixed" : "Unknown";
}

INSTANTIATE_TEST_SUITE_P(Varieties, MarkFlowTest,
                         testing::Values(Variety::kPlain, Variety::kMixed, Variety::kUnknown),
                         name_of);

}  // namespace
}  // namespace connmark::test
