// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/random_ruleset.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace connmark::test {
namespace {

struct BaseChain {
  const char *table;
  Hook hook;
  int priority;
  bool reroutes = false;
  bool is_nat = false;
};

constexpr BaseChain kBaseChains[] = {
    {"mangle", Hook::kPrerouting, kManglePriority},
    {"mangle", Hook::kInput, kManglePriority},
    {"mangle", Hook::kForward, kManglePriority},
    {"mangle", Hook::kOutput, kManglePriority, true},
    {"mangle", Hook::kPostrouting, kManglePriority},
    {"filter", Hook::kInput, kFilterPriority},
    {"filter", Hook::kForward, kFilterPriority},
    {"filter", Hook::kOutput, kFilterPriority},
    {"raw", Hook::kPrerouting, kRawPriority},
    {"raw", Hook::kOutput, kRawPriority},
    {"nat", Hook::kPrerouting, kDestinationNatPriority, false, true},
    {"nat", Hook::kPostrouting, kSourceNatPriority, false, true},
};

Match matched(Attribute attribute, std::uint32_t from, std::uint32_t to = 0) {
  Match match;
  match.attribute = attribute;
  match.is_stable = true;
  match.from = from;
  match.to = to;
  return match;
}

Match matched_text(Attribute attribute, const char *text) {
  Match match = matched(attribute, 0);
  match.text = text;
  return match;
}

constexpr std::uint32_t kTcp = 6;
constexpr std::uint32_t kUdp = 17;

// Exclude one another in part: protocols, prefixes, ports, states.
std::vector<Match> all_matches() {
  return {matched(Attribute::kProtocol, kUdp),
          matched(Attribute::kProtocol, kTcp),
          matched_text(Attribute::kSource, "10.0.0.0/8"),
          matched_text(Attribute::kSource, "10.1.0.0/16"),
          matched_text(Attribute::kDestination, "192.0.2.0/24"),
          matched_text(Attribute::kOther, "-m owner --uid-owner 7"),
          matched_text(Attribute::kOther, "-m mac --mac-source 02:00:00:00:00:01"),
          matched(Attribute::kConnectionState, kStateNew),
          matched(Attribute::kConnectionState, kStateEstablished | kStateRelated),
          matched(Attribute::kConnectionDirection, 0),
          matched(Attribute::kConnectionDirection, 1),
          matched(Attribute::kHasConnection, 0)};
}

class Builder {
 public:
  Builder(RandomRules &random, Variety variety) : random_(random), variety_(variety) {}

  OwnedRuleset build() {
    ruleset().inputs = {{.name = "rules.v4", .is_nft = false},
                        {.name = "rules.nft", .is_nft = true}};
    result_.owners.count = 2 + static_cast<int>(random_.below(3));
    draw_matches();
    add_chains();
    for (std::uint32_t left = 3 + random_.below(8); left > 0; --left) add_rule();
    add_policy_rules();
    return std::move(result_);
  }

 private:
  Ruleset &ruleset() { return result_.ruleset; }
  bool is_mixed() const { return variety_ != Variety::kPlain; }
  bool has_unknown() const { return variety_ == Variety::kUnknown; }
  int owner() {
    return static_cast<int>(random_.below(static_cast<std::uint32_t>(result_.owners.count)));
  }
  std::uint32_t some_bits() { return 1 + random_.below(kRandomBits); }

  // A mask of one or two bits, as owners have them.
  std::uint32_t few_bits() {
    return (1U << random_.below(4)) | (random_.one_in(3) ? 1U << random_.below(4) : 0);
  }

  void draw_matches() {
    std::vector<Match> all = all_matches();
    for (std::uint32_t left = 1 + random_.below(5); left > 0; --left) {
      matches_.push_back(all[random_.below(static_cast<std::uint32_t>(all.size()))]);
    }
    if (has_unknown() && random_.one_in(3)) {
      Match match = matched_text(Attribute::kOther, "-m limit --limit 1/s");
      match.is_stable = false;
      matches_.push_back(match);
    }
  }

  void add_chains() {
    const std::uint32_t bases = 2 + random_.below(4);
    for (std::uint32_t i = 0; i < bases; ++i) {
      const BaseChain &base = kBaseChains[random_.below(static_cast<std::uint32_t>(
          is_mixed() ? std::size(kBaseChains) : std::size(kBaseChains) - 4))];
      Chain chain;
      chain.input = random_.below(2);
      chain.table = base.table;
      chain.name = "base" + std::to_string(i);
      chain.hook = base.hook;
      chain.priority = base.priority;
      chain.reroutes = base.reroutes;
      chain.is_nat = base.is_nat;
      chain.policy_drops = is_mixed() && random_.one_in(12);
      // Of two on one hook most differ in priority: ties multiply the orders.
      if (!random_.one_in(4)) chain.priority += static_cast<int>(i);
      ruleset().chains.push_back(chain);
    }
    bases_ = bases;
    if (!is_mixed()) return;
    for (std::uint32_t left = random_.below(4); left > 0; --left) {
      Chain chain;
      chain.input = random_.below(2);
      chain.table = "mangle";
      chain.name = "chain" + std::to_string(left);
      ruleset().chains.push_back(chain);
    }
  }

  std::uint32_t chain_count() { return static_cast<std::uint32_t>(ruleset().chains.size()); }

  // To user chains alone, and never back: the kernel takes no loops.
  std::optional<ChainIndex> later_chain(ChainIndex from) {
    const ChainIndex first = from < bases_ ? bases_ : from + 1;
    if (first >= chain_count()) return std::nullopt;
    return first + random_.below(chain_count() - first);
  }

  Branch outcome(ChainIndex from) {
    const std::optional<ChainIndex> to = later_chain(from);
    switch (random_.below(to ? 12 : 30)) {
      case 0:
        return {.verdict = Verdict::kAccept};
      case 1:
        return {.verdict = Verdict::kReturn};
      case 2:
        return {.verdict = random_.one_in(2) ? Verdict::kDrop : Verdict::kContinue};
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        if (to) return {.verdict = Verdict::kJump, .chain = *to};
        return {};
      case 8:
      case 9:
        if (to) return {.verdict = Verdict::kGoto, .chain = *to};
        return {};
      default:
        return {};
    }
  }

  void add_tests(Rule &rule) {
    const std::uint32_t chance = random_.below(10);
    for (std::uint32_t left = chance < 5 ? 0 : chance < 9 ? 1 : 2; left > 0; --left) {
      MarkTest test;
      test.mark = random_.one_in(2) ? Mark::kPacket : Mark::kConnection;
      test.mask = random_.one_in(3) ? some_bits() : few_bits();
      test.value = random_.one_in(3) ? 0 : random_.below(16) & test.mask;
      test.inverted = is_mixed() && random_.one_in(4);
      if (has_unknown() && random_.one_in(5)) test.value_known = false;
      if (has_unknown() && random_.one_in(10)) test.decides = false;
      rule.tests.push_back(test);
    }
  }

  MarkExpression written(Mark mark) {
    const MarkExpression own = MarkExpression::of(mark);
    const MarkExpression from = MarkExpression::of(other(mark));
    const std::uint32_t mask = random_.one_in(4) ? kRandomBits : few_bits();
    const MarkExpression kept = own & MarkExpression::constant(~mask);
    switch (random_.below(is_mixed() ? 6 : 4)) {
      case 0:
      case 1:
        return kept ^ MarkExpression::constant(random_.below(16) & mask);
      case 2:
      case 3:
        return kept ^ (from & MarkExpression::constant(mask));
      case 4: {
        const Shift shift{random_.one_in(2) ? Direction::kLeft : Direction::kRight,
                          static_cast<std::uint8_t>(1 + random_.below(3))};
        const MarkExpression moved = shifted(from & MarkExpression::constant(some_bits()), shift);
        return kept ^ (moved & MarkExpression::constant(kRandomBits));
      }
      default:
        if (has_unknown() && random_.one_in(2)) {
          return kept ^ (MarkExpression::unknown() & MarkExpression::constant(mask));
        }
        return own ^ MarkExpression::constant(random_.below(16));
    }
  }

  void add_writes(Rule &rule) {
    const bool is_nft = is_mixed() && ruleset().chains[rule.chain].input == 1;
    for (std::uint32_t left = is_nft && random_.one_in(4) ? 2 : 1; left > 0; --left) {
      MarkWrite write;
      write.mark = random_.one_in(2) ? Mark::kPacket : Mark::kConnection;
      write.value = written(write.mark);
      write.matches_before = static_cast<std::uint32_t>(rule.matches.size());
      write.tests_before = static_cast<std::uint32_t>(rule.tests.size());
      rule.writes.push_back(write);
    }
    if (!is_nft || !random_.one_in(4)) return;
    MarkWrite &first = rule.writes.front();
    first.matches_before = random_.below(first.matches_before + 1);
    first.tests_before = random_.below(first.tests_before + 1);
  }

  void add_matches(Rule &rule) {
    const std::uint32_t chance = random_.below(8);
    for (std::uint32_t left = chance < 3 ? 0 : chance < 7 ? 1 : 2; left > 0; --left) {
      Match match = matches_[random_.below(static_cast<std::uint32_t>(matches_.size()))];
      match.inverted = is_mixed() && random_.one_in(5);
      rule.matches.push_back(match);
    }
  }

  void add_rule() {
    Rule rule;
    rule.chain = random_.below(chain_count());
    rule.number = ruleset().rules.size() + 1;
    add_matches(rule);
    add_tests(rule);
    if (!random_.one_in(4)) add_writes(rule);
    if (is_mixed()) {
      rule.outcome = outcome(rule.chain);
      const Chain &chain = ruleset().chains[rule.chain];
      rule.untracks = chain.priority < kConntrackPriority && random_.one_in(3);
    }
    if (has_unknown() && random_.one_in(12)) {
      rule.outcome = {};
      rule.branches = std::make_shared<const std::vector<Branch>>(
          std::vector<Branch>{outcome(rule.chain), outcome(rule.chain)});
    }
    result_.owners.of_rules.push_back(owner());
    ruleset().rules.push_back(std::move(rule));
  }

  void add_policy_rules() {
    ruleset().has_policy_rules = true;
    for (std::uint32_t i = random_.below(3); i > 0; --i) {
      PolicyRule rule;
      rule.priority = 100 * i;
      rule.mask = few_bits();
      rule.value = random_.below(16) & rule.mask;
      rule.inverted = is_mixed() && random_.one_in(4);
      ruleset().policy_rules.push_back(rule);
      result_.owners.of_policy_rules.push_back(owner());
    }
  }

  RandomRules &random_;
  Variety variety_;
  OwnedRuleset result_;
  std::vector<Match> matches_;
  std::uint32_t bases_ = 0;
};

}  // namespace

OwnedRuleset random_ruleset(RandomRules &random, Variety variety) {
  return Builder(random, variety).build();
}

}  // namespace connmark::test
