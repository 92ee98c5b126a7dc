// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/findings/pair_verdicts.h"

#include <algorithm>
#include <map>

namespace connmark {
namespace {

// A writer costs a pass over all rules that matter, for each kind of connection.
constexpr std::size_t kMostWork = 20'000;  // writers times rules that touch marks
constexpr std::size_t kMostOwners = 2'000;

struct BitsOfOwners {
  std::vector<BitsOfBoth> written;
  std::vector<BitsOfBoth> looked_at;
};

// Rules that have nothing to do with marks are nobody's: they are the last group.
GroupedRules grouped(const RuleOwners &owners) {
  const std::size_t nobody = owners.owners.size();
  GroupedRules groups{nobody + 1, owners.of_rule, owners.of_policy_rule};
  for (std::uint32_t &group : groups.of_rule) {
    if (group >= nobody) group = static_cast<std::uint32_t>(nobody);
  }
  return groups;
}

BitsOfOwners bits_of_groups(const Ruleset &ruleset, const GroupedRules &owners) {
  BitsOfOwners bits{std::vector<BitsOfBoth>(owners.count, 0),
                    std::vector<BitsOfBoth>(owners.count, 0)};
  for (RuleIndex i = 0; i < ruleset.rules.size(); ++i) {
    bits.written[owners.of_rule[i]] |= written_by(ruleset.rules[i]);
    bits.looked_at[owners.of_rule[i]] |= looked_at_by(ruleset.rules[i]);
  }
  for (RuleIndex i = 0; i < ruleset.policy_rules.size(); ++i) {
    bits.looked_at[owners.of_policy_rule[i]] |=
        bits_of(Mark::kPacket, ruleset.policy_rules[i].mask);
  }
  return bits;
}

bool passes(const MarkTest &test, std::uint32_t bits) {
  return ((bits & test.mask) == test.value) != test.inverted;
}

bool outcome_differs(const Ruleset &ruleset, const DecidedPair &pair) {
  const Witness &witness = *pair.effect.witness;
  if (pair.replayed->only) return true;
  const auto differs = [&pair](const MarkTest &test) {
    return !test.value_known || !test.decides ||
           passes(test, pair.replayed->seen[0]) != passes(test, pair.replayed->seen[1]);
  };
  if (witness.by_policy_rule) {
    const PolicyRule &rule = ruleset.policy_rules[witness.observer];
    return differs({.mark = Mark::kPacket,
                    .value = rule.value & rule.mask,
                    .mask = rule.mask,
                    .inverted = rule.inverted});
  }
  return std::ranges::any_of(ruleset.rules[witness.observer].tests, [&](const MarkTest &test) {
    return test.mark == witness.mark && test.mask == witness.bits && differs(test);
  });
}

// Who has written the bits last that the victim sees without the writer.  A copy counts for the
// rule that made it, where it changed anything.
std::optional<OwnerIndex> overwritten(const RuleOwners &owners, const DecidedPair &pair) {
  const Witness &witness = *pair.effect.witness;
  const std::uint32_t bits = pair.differing_bits();
  const bool of_packet = witness.mark == Mark::kPacket;
  std::optional<OwnerIndex> last;
  std::uint32_t connection = witness.packets.front().connection_mark_without;
  for (std::size_t i = 0; i < witness.packets.size(); ++i) {
    const Trace &trace = pair.replayed->packets[i][1];
    Marks before{.ct = connection, .nf = witness.packets[i].start_mark};
    if (of_packet) last.reset();  // each packet begins with a mark of its own
    for (const Step &step : trace.steps) {
      const bool is_last = i + 1 == witness.packets.size();
      if (is_last && !witness.by_policy_rule && step.rule == witness.observer) return last;
      const std::uint32_t changed =
          of_packet ? step.marks.nf ^ before.nf : step.marks.ct ^ before.ct;
      if ((changed & bits) != 0 && owners.of_rule[step.rule] < owners.owners.size()) {
        last = owners.of_rule[step.rule];
      }
      before = step.marks;
    }
    connection = trace.marks.ct;
  }
  return last;
}

// Only how many there are: owners that write the same bits count together.
void count(const Ruleset &ruleset, const BitsOfOwners &bits, PairVerdicts &verdicts) {
  std::map<BitsOfBoth, std::vector<OwnerIndex>> writers;
  std::map<BitsOfBoth, std::size_t> readers;
  for (OwnerIndex owner = 0; owner < bits.written.size(); ++owner) {
    if (bits.written[owner] != 0) writers[bits.written[owner]].push_back(owner);
    if (bits.looked_at[owner] != 0) ++readers[bits.looked_at[owner]];
  }
  const BitTraffic traffic(ruleset);
  for (const auto &[written, of_them] : writers) {
    const BitsOfBoth reached = traffic.reached_from(written);
    for (const auto &[looked_at, readers_of_them] : readers) {
      std::size_t pairs = of_them.size() * readers_of_them;
      pairs -= static_cast<std::size_t>(std::ranges::count_if(
          of_them, [&, at = looked_at](OwnerIndex owner) { return bits.looked_at[owner] == at; }));
      ((reached & looked_at) == 0 ? verdicts.no_bit_in_common : verdicts.not_followed) += pairs;
    }
  }
}

// Nothing where the pairs can be followed in reasonable time.
std::string why_not(const Ruleset &ruleset, const BitsOfOwners &bits) {
  const auto writers = static_cast<std::size_t>(
      std::ranges::count_if(bits.written, [](BitsOfBoth written) { return written != 0; }));
  const auto rules =
      static_cast<std::size_t>(std::ranges::count_if(ruleset.rules, &Rule::touches_marks));
  if (bits.written.size() <= kMostOwners && writers * rules <= kMostWork) return "";
  return std::to_string(writers) + " owners that write marks and " + std::to_string(rules) +
         " rules with marks are too many to follow all packets";
}

}  // namespace

std::uint32_t DecidedPair::differing_bits() const {
  if (!effect.witness || !replayed) return 0;
  return replayed->only ? effect.witness->bits : replayed->seen[0] ^ replayed->seen[1];
}

std::size_t PairVerdicts::count_of(PairVerdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      pairs, [verdict](const DecidedPair &pair) { return pair.effect.verdict == verdict; }));
}

std::optional<std::size_t> PairVerdicts::find(OwnerIndex writer, OwnerIndex victim) const {
  const auto found = std::ranges::find_if(pairs, [&](const DecidedPair &pair) {
    return pair.writer == writer && pair.victim == victim;
  });
  if (found == pairs.end()) return std::nullopt;
  return static_cast<std::size_t>(found - pairs.begin());
}

std::vector<std::string> assumptions_of(const PairVerdicts &verdicts) {
  std::vector<std::string> assumptions{
      "a received packet has no mark before the first chain",
      "programs may give sent packets any mark",
      "connections began under these rules",
      "packets are neither bridged nor offloaded, and stay in one zone of connection tracking",
      "nothing outside of what was read writes marks",
  };
  if (verdicts.has_unknown_rules) {
    assumptions.emplace_back("rules that are not understood write no marks");
  }
  assumptions.emplace_back(verdicts.has_policy_rules
                               ? "nothing outside of what was read looks at marks"
                               : "nothing outside of what was read looks at marks, and no rules of "
                                 "ip rule were read");
  return assumptions;
}

std::string reason_of(const DecidedPair &pair) {
  if (pair.effect.verdict == PairVerdict::kKeptAway) {
    return "what the writer writes decides whether packets come to the other's rules at all";
  }
  return pair.effect.reason;
}

FlowOptions options_of_audit() {
  FlowOptions options;
  options.nodes_of_question = std::size_t{1} << 18;
  options.nodes_of_all = std::size_t{1} << 22;
  return options;
}

PairVerdicts decide_pairs(const Ruleset &ruleset, const RuleOwners &owners) {
  PairVerdicts verdicts;
  verdicts.has_policy_rules = ruleset.has_policy_rules;
  verdicts.has_unknown_rules = std::ranges::any_of(
      ruleset.rules, [](const Rule &rule) { return !rule.unknown.empty() && rule.writes.empty(); });
  const GroupedRules groups = grouped(owners);
  const BitsOfOwners bits = bits_of_groups(ruleset, groups);
  verdicts.why_not = why_not(ruleset, bits);
  if (!verdicts.why_not.empty()) {
    count(ruleset, bits, verdicts);
    return verdicts;
  }
  MarkFlow flow(ruleset, options_of_audit());
  OwnerPairs found = flow.pairs(groups);
  verdicts.no_bit_in_common = found.no_bit_in_common;
  for (OwnerPair &each : found.pairs) {
    DecidedPair pair;
    pair.writer = each.writer;
    pair.victim = each.victim;
    pair.effect = std::move(each.effect);
    if (pair.effect.witness) {
      std::vector<bool> silenced(ruleset.rules.size());
      for (RuleIndex i = 0; i < silenced.size(); ++i) {
        silenced[i] = owners.of_rule[i] == pair.writer;
      }
      pair.replayed = replay(ruleset, silenced, *pair.effect.witness);
      const BitsOfBoth differing = bits_of(pair.effect.witness->mark, pair.differing_bits());
      if (pair.effect.verdict == PairVerdict::kWitness) {
        pair.overwritten = overwritten(owners, pair);
        pair.outcome_differs = outcome_differs(ruleset, pair);
        pair.serves = (bits.written[pair.victim] & differing) == 0 && !pair.overwritten;
      }
    }
    verdicts.pairs.push_back(std::move(pair));
  }
  return verdicts;
}

}  // namespace connmark
