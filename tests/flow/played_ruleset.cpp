// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/played_ruleset.h"

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace connmark::test {
namespace {

constexpr InputIndex kIptables = 0;
constexpr InputIndex kNft = 1;
constexpr std::uint32_t kTcp = 6;
constexpr std::uint32_t kUdp = 17;

struct BuiltIn {
  const char *table;
  const char *chain;
  Hook hook;
  int priority;
};

constexpr BuiltIn kBuiltIn[] = {
    {"raw", "PREROUTING", Hook::kPrerouting, kRawPriority},
    {"raw", "OUTPUT", Hook::kOutput, kRawPriority},
    {"mangle", "PREROUTING", Hook::kPrerouting, kManglePriority},
    {"mangle", "INPUT", Hook::kInput, kManglePriority},
    {"mangle", "FORWARD", Hook::kForward, kManglePriority},
    {"mangle", "OUTPUT", Hook::kOutput, kManglePriority},
    {"mangle", "POSTROUTING", Hook::kPostrouting, kManglePriority},
    {"nat", "PREROUTING", Hook::kPrerouting, kDestinationNatPriority},
    {"nat", "INPUT", Hook::kInput, kSourceNatPriority},
    {"nat", "OUTPUT", Hook::kOutput, kDestinationNatPriority},
    {"nat", "POSTROUTING", Hook::kPostrouting, kSourceNatPriority},
    {"filter", "INPUT", Hook::kInput, kFilterPriority},
    {"filter", "FORWARD", Hook::kForward, kFilterPriority},
    {"filter", "OUTPUT", Hook::kOutput, kFilterPriority},
};

struct NftChain {
  const char *type;
  const char *hook_name;
  Hook hook;
  int priority;
};

// At no priority of a built-in chain; those of nat run where the kernel wants them.
constexpr NftChain kNftChains[] = {
    {"filter", "prerouting", Hook::kPrerouting, -310},
    {"filter", "prerouting", Hook::kPrerouting, -140},
    {"nat", "prerouting", Hook::kPrerouting, -190},
    {"filter", "input", Hook::kInput, -10},
    {"nat", "input", Hook::kInput, 150},
    {"filter", "forward", Hook::kForward, -20},
    {"filter", "output", Hook::kOutput, -290},
    {"route", "output", Hook::kOutput, -145},
    {"nat", "output", Hook::kOutput, 20},
    {"filter", "postrouting", Hook::kPostrouting, -120},
    {"nat", "postrouting", Hook::kPostrouting, -180},
};

struct Probed {
  const char *hook_name;
  Hook hook;
  std::vector<int> priorities;
};

const std::vector<Probed> &probed() {
  static const std::vector<Probed> all{
      {"prerouting", Hook::kPrerouting, {-400, -250, -170, -120, -50}},
      {"input", Hook::kInput, {-170, -50, 5, 200}},
      {"forward", Hook::kForward, {-170, -50, -10, 50}},
      {"output", Hook::kOutput, {-400, -250, -170, -120, -50, 50}},
      {"postrouting", Hook::kPostrouting, {-170, -50, 200}},
  };
  return all;
}

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

class Writer {
 public:
  Writer(RandomRules &random, Family family) : random_(random), family_(family) {}

  PlayedRuleset write() {
    result_.ruleset.inputs = {{.name = "iptables", .is_nft = false},
                              {.name = "nft", .is_nft = true}};
    write_iptables();
    write_nft();
    write_probes();
    return std::move(result_);
  }

 private:
  Ruleset &ruleset() { return result_.ruleset; }

  ChainIndex add_chain(Chain chain) {
    ruleset().chains.push_back(std::move(chain));
    return static_cast<ChainIndex>(ruleset().chains.size() - 1);
  }

  std::uint32_t bits() { return random_.one_in(8) ? random_.mark() : random_.below(16); }
  std::uint32_t mask() { return random_.one_in(8) ? kAllBits : 1 + random_.below(15); }

  // ---- Words that both have

  struct Words {
    const char *iptables;
    const char *nft;
    Attribute attribute;
    std::uint32_t from;
    const char *text;
    bool can_be_inverted;
  };

  // The word of a match, taken from those that packets of `hook` can be asked for;
  // without a hook, in a chain of a user, from all.
  std::string match_words(bool is_nft, std::optional<Hook> hook, Rule &rule) {
    static constexpr Words kWords[] = {
        {"-p udp", "meta l4proto udp", Attribute::kProtocol, kUdp, "", false},
        {"-p tcp", "meta l4proto tcp", Attribute::kProtocol, kTcp, "", false},
        {"-m conntrack %--ctstate NEW", "ct state %new", Attribute::kConnectionState, kStateNew, "",
         true},
        {"-m conntrack %--ctstate ESTABLISHED", "ct state %established",
         Attribute::kConnectionState, kStateEstablished, "", true},
        {"-m conntrack %--ctstate NEW,INVALID", "ct state %new,invalid",
         Attribute::kConnectionState, kStateNew | kStateInvalid, "", false},
        {"-m conntrack %--ctstate UNTRACKED", "ct state %untracked", Attribute::kConnectionState,
         kStateUntracked, "", true},
        {"-m conntrack --ctdir ORIGINAL", "ct direction original", Attribute::kConnectionDirection,
         0, "", false},
        {"-m conntrack --ctdir REPLY", "ct direction reply", Attribute::kConnectionDirection, 1, "",
         false},
        {"%-i lo", "iifname %lo", Attribute::kInInterface, 0, "lo", true},
        {"%-o lo", "oifname %lo", Attribute::kOutInterface, 0, "lo", true},
        {"%-i left", "iifname %left", Attribute::kInInterface, 0, "left", true},
        {"%-o left", "oifname %left", Attribute::kOutInterface, 0, "left", true},
    };
    for (;;) {
      const Words &words = kWords[random_.below(std::size(kWords))];
      const bool has_in = hook == Hook::kPrerouting || hook == Hook::kInput;
      const bool has_both = !hook || hook == Hook::kForward;
      if (words.attribute == Attribute::kInInterface && !has_in && !has_both) continue;
      if (words.attribute == Attribute::kOutInterface && has_in && !has_both) continue;
      Match match;
      match.attribute = words.attribute;
      match.is_stable = true;
      match.from = words.from;
      match.text = words.text;
      match.inverted = words.can_be_inverted && random_.one_in(4);
      // iptables takes one protocol and one interface a rule.
      for (const Match &other : rule.matches) {
        if (!is_nft && other.attribute == match.attribute) return "";
      }
      rule.matches.push_back(match);
      std::string text = is_nft ? words.nft : words.iptables;
      if (const std::size_t at = text.find('%'); at != std::string::npos) {
        text.replace(at, 1, match.inverted ? (is_nft ? "!= " : "! ") : "");
      }
      return text + " ";
    }
  }

  std::string port_words(bool is_nft, Rule &rule) {
    for (const Match &other : rule.matches) {
      if (other.attribute == Attribute::kProtocol) return "";
    }
    const std::uint32_t port = kPlayedPorts[random_.below(2)];
    rule.matches.push_back(
        {.attribute = Attribute::kProtocol, .is_stable = true, .from = kUdp, .text = ""});
    rule.matches.push_back({.attribute = Attribute::kDestinationPort,
                            .is_stable = true,
                            .from = port,
                            .to = port,
                            .text = ""});
    return (is_nft ? "udp dport " : "-p udp --dport ") + std::to_string(port) + " ";
  }

  std::string matches_words(bool is_nft, std::optional<Hook> hook, Rule &rule) {
    std::string text;
    for (std::uint32_t left = random_.below(3); left > 0; --left) {
      text += random_.one_in(3) ? port_words(is_nft, rule) : match_words(is_nft, hook, rule);
    }
    return text;
  }

  std::string test_words(bool is_nft, Rule &rule) {
    if (!random_.one_in(3)) return "";
    MarkTest test;
    test.mark = random_.one_in(2) ? Mark::kPacket : Mark::kConnection;
    test.mask = mask();
    test.value = random_.one_in(3) ? 0 : bits() & test.mask;
    test.inverted = random_.one_in(3);
    rule.tests.push_back(test);
    if (is_nft) {
      return std::string(test.mark == Mark::kPacket ? "meta" : "ct") + " mark and " +
             hex(test.mask) + (test.inverted ? " != " : " == ") + hex(test.value) + " ";
    }
    return std::string("-m ") + (test.mark == Mark::kPacket ? "mark " : "connmark ") +
           (test.inverted ? "! " : "") + "--mark " + hex(test.value) + "/" + hex(test.mask) + " ";
  }

  // A verdict, or a jump to one of `chains`.
  Branch outcome(const std::vector<ChainIndex> &chains) {
    const auto any = [&] {
      return chains[random_.below(static_cast<std::uint32_t>(chains.size()))];
    };
    switch (random_.below(20)) {
      case 0:
      case 1:
        return {.verdict = Verdict::kAccept};
      case 2:
        return {.verdict = Verdict::kReturn};
      case 3:
        if (random_.one_in(3)) return {.verdict = Verdict::kDrop};
        return {};
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        if (chains.empty()) return {};
        return {.verdict = Verdict::kJump, .chain = any()};
      case 9:
      case 10:
      case 11:
        if (chains.empty()) return {};
        return {.verdict = Verdict::kGoto, .chain = any()};
      default:
        return {};
    }
  }

  // ---- iptables

  Operation small_operation() {
    if (random_.one_in(6)) return random_.operation();
    switch (random_.below(3)) {
      case 0:
        return set_xmark(random_.below(16), mask());
      case 1:
        return save_mark(mask(), mask());
      default:
        return restore_mark(mask(), mask());
    }
  }

  // A target that writes marks, without a jump.
  std::string write_words(Rule &rule) {
    MarkRule mark_rule;
    std::string text;
    if (random_.one_in(3)) {
      const std::uint32_t value = random_.below(16);
      const std::uint32_t cleared = mask();
      mark_rule = {.target = Target::kMark, .op = set_xmark(value, cleared)};
      text = "-j MARK --set-xmark " + hex(value) + "/" + hex(cleared);
    } else {
      mark_rule.op = small_operation();
      text = "-j CONNMARK " + options_for(mark_rule.op);
    }
    rule.mark_rule = mark_rule;
    rule.writes.push_back({.mark = written_mark(mark_rule),
                           .value = expression_of(mark_rule),
                           .matches_before = static_cast<std::uint32_t>(rule.matches.size()),
                           .tests_before = static_cast<std::uint32_t>(rule.tests.size())});
    return text;
  }

  std::string outcome_words(const Branch &branch) {
    switch (branch.verdict) {
      case Verdict::kAccept:
        return "-j ACCEPT";
      case Verdict::kDrop:
        return "-j DROP";
      case Verdict::kReturn:
        return "-j RETURN";
      case Verdict::kJump:
        return "-j " + ruleset().chains[branch.chain].name;
      case Verdict::kGoto:
        return "-g " + ruleset().chains[branch.chain].name;
      default:
        return "";
    }
  }

  std::string iptables_rule(ChainIndex chain, const std::vector<ChainIndex> &later) {
    const std::optional<Hook> hook = ruleset().chains[chain].hook;
    const std::string &table = ruleset().chains[chain].table;
    Rule rule;
    rule.chain = chain;
    std::string text = matches_words(false, hook, rule);
    text += test_words(false, rule);
    if (random_.one_in(2)) {
      text += write_words(rule);
    } else if (table == "raw" && random_.one_in(2)) {
      rule.untracks = true;
      text += "-j CT --notrack";
    } else {
      // iptables refuses DROP in nat.
      rule.outcome = outcome(later);
      if (table == "nat" && rule.outcome.verdict == Verdict::kDrop) rule.outcome = {};
      text += outcome_words(rule.outcome);
    }
    rule.text = "-A " + ruleset().chains[chain].name + " " + text;
    ruleset().rules.push_back(rule);
    return rule.text + "\n";
  }

  void write_iptables() {
    for (const char *table : {"raw", "mangle", "nat", "filter"}) {
      std::vector<ChainIndex> bases;
      result_.for_iptables += std::string("*") + table + "\n";
      for (const BuiltIn &each : kBuiltIn) {
        if (std::string(each.table) != table) continue;
        Chain chain;
        chain.input = kIptables;
        chain.family = family_;
        chain.table = table;
        chain.name = each.chain;
        chain.hook = each.hook;
        chain.priority = each.priority;
        chain.reroutes = chain.table == "mangle" && each.hook == Hook::kOutput;
        chain.is_nat = chain.table == "nat";
        bases.push_back(add_chain(chain));
        result_.for_iptables += std::string(":") + each.chain + " ACCEPT [0:0]\n";
      }
      std::vector<ChainIndex> users;
      for (const char *name : {"first", "second"}) {
        Chain chain;
        chain.input = kIptables;
        chain.family = family_;
        chain.table = table;
        chain.name = name;
        users.push_back(add_chain(chain));
        result_.for_iptables += std::string(":") + name + " - [0:0]\n";
      }
      for (const ChainIndex base : bases)
        add_rules(base, users, &Writer::iptables_rule, result_.for_iptables);
      add_rules(users[0], {users[1]}, &Writer::iptables_rule, result_.for_iptables);
      add_rules(users[1], {}, &Writer::iptables_rule, result_.for_iptables);
      result_.for_iptables += "COMMIT\n";
    }
  }

  void add_rules(ChainIndex chain, const std::vector<ChainIndex> &later,
                 std::string (Writer::*rule)(ChainIndex, const std::vector<ChainIndex> &),
                 std::string &text) {
    const std::uint32_t count =
        ruleset().chains[chain].hook ? random_.below(4) : 1 + random_.below(3);
    for (std::uint32_t i = 0; i < count; ++i) text += (this->*rule)(chain, later);
  }

  // ---- nft

  std::string nft_write(Rule &rule) {
    MarkWrite write;
    write.mark = random_.one_in(2) ? Mark::kPacket : Mark::kConnection;
    write.matches_before = static_cast<std::uint32_t>(rule.matches.size());
    write.tests_before = static_cast<std::uint32_t>(rule.tests.size());
    const char *written = write.mark == Mark::kPacket ? "meta" : "ct";
    std::string text = std::string(written) + " mark set ";
    if (random_.one_in(4)) {
      const std::uint32_t value = random_.below(16);
      write.value = MarkExpression::constant(value);
      text += hex(value);
    } else {
      const Mark source = random_.one_in(2) ? write.mark : other(write.mark);
      // nft leaves out "and 0xffffffff"; "and 0" it folds into a constant.
      const std::uint32_t kept = kAllBits & ~(1 + random_.below(15));
      const std::uint32_t changed = 1 + random_.below(15);
      write.value = (MarkExpression::of(source) & MarkExpression::constant(kept)) ^
                    MarkExpression::constant(changed);
      text += std::string(source == Mark::kPacket ? "meta" : "ct") + " mark and " + hex(kept) +
              " xor " + hex(changed);
    }
    rule.writes.push_back(write);
    return text + " ";
  }

  std::string nft_rule(ChainIndex chain, const std::vector<ChainIndex> &later) {
    const std::optional<Hook> hook = ruleset().chains[chain].hook;
    Rule rule;
    rule.chain = chain;
    std::string text = test_words(true, rule) + matches_words(true, hook, rule);
    if (random_.one_in(2)) {
      text += nft_write(rule);
      if (random_.one_in(3)) text += match_words(true, hook, rule);
      // A second write would read what the first has made of its own mark.
      if (random_.one_in(3) && rule.writes[0].value.is_constant()) {
        Rule other_rule = rule;
        other_rule.writes.clear();
        const std::string second = nft_write(other_rule);
        if (other_rule.writes[0].value.is_constant()) {
          rule.writes.push_back(other_rule.writes[0]);
          text += second;
        }
      }
    }
    text += "counter ";
    const bool can_untrack =
        hook && ruleset().chains[chain].priority < kConntrackPriority && random_.one_in(3);
    if (can_untrack) {
      rule.untracks = true;
      text += "notrack";
    } else {
      rule.outcome = outcome(later);
      static const std::map<Verdict, const char *> verdict_words{
          {Verdict::kContinue, ""},     {Verdict::kAccept, "accept"}, {Verdict::kDrop, "drop"},
          {Verdict::kReturn, "return"}, {Verdict::kJump, "jump "},    {Verdict::kGoto, "goto "}};
      text += verdict_words.at(rule.outcome.verdict);
      if (rule.outcome.chain != kNoChain) text += ruleset().chains[rule.outcome.chain].name;
    }
    rule.text = text;
    ruleset().rules.push_back(rule);
    return "    " + text + "\n";
  }

  void write_nft() {
    std::vector<ChainIndex> users;
    std::map<ChainIndex, std::string> bodies;
    std::vector<ChainIndex> bases;
    for (const char *name : {"first", "second"}) {
      Chain chain;
      chain.input = kNft;
      chain.family = Family::kInet;
      chain.table = "played";
      chain.name = name;
      users.push_back(add_chain(chain));
    }
    for (const NftChain &each : kNftChains) {
      if (random_.one_in(2)) continue;
      Chain chain;
      chain.input = kNft;
      chain.family = Family::kInet;
      chain.table = "played";
      chain.name = "base" + std::to_string(ruleset().chains.size());
      chain.hook = each.hook;
      chain.priority = each.priority;
      chain.reroutes = std::string(each.type) == "route";
      chain.is_nat = std::string(each.type) == "nat";
      const ChainIndex index = add_chain(chain);
      bases.push_back(index);
      bodies[index] = std::string("    type ") + each.type + " hook " + each.hook_name +
                      " priority " + std::to_string(each.priority) + "\n";
    }
    add_rules(users[1], {}, &Writer::nft_rule, bodies[users[1]]);
    add_rules(users[0], {users[1]}, &Writer::nft_rule, bodies[users[0]]);
    for (const ChainIndex base : bases) add_rules(base, users, &Writer::nft_rule, bodies[base]);
    result_.for_nft += "table inet played {\n";
    for (const ChainIndex chain : {users[1], users[0]}) add_body(chain, bodies[chain]);
    for (const ChainIndex chain : bases) add_body(chain, bodies[chain]);
    result_.for_nft += "}\n";
  }

  void add_body(ChainIndex chain, const std::string &body) {
    result_.for_nft += "  chain " + ruleset().chains[chain].name + " {\n" + body + "  }\n";
  }

  void write_probes() {
    std::string sets;
    std::string chains;
    for (const Probed &each : probed()) {
      for (const int priority : each.priorities) {
        Chain chain;
        chain.input = kNft;
        chain.family = Family::kInet;
        chain.table = "probe";
        chain.name = "probe" + std::to_string(ruleset().chains.size());
        chain.hook = each.hook;
        chain.priority = priority;
        const ChainIndex index = add_chain(chain);
        for (const bool has_none : {false, true}) {
          Rule rule;
          rule.chain = index;
          rule.matches.push_back(
              {.attribute = Attribute::kHasConnection, .inverted = has_none, .text = ""});
          ruleset().rules.push_back(rule);
        }
        sets += "  set " + chain.name +
                "_both {\n    type mark . mark\n    flags dynamic\n    size 1024\n  }\n";
        sets += "  set " + chain.name +
                "_one {\n    type mark\n    flags dynamic\n    size 1024\n  }\n";
        chains += "  chain " + chain.name + " {\n    type filter hook " + each.hook_name +
                  " priority " + std::to_string(priority) + "\n    update @" + chain.name +
                  "_both { meta mark . ct mark counter }\n    ct state invalid,untracked update @" +
                  chain.name + "_one { meta mark counter }\n  }\n";
      }
    }
    result_.for_nft += "table inet probe {\n" + sets + chains + "}\n";
  }

  RandomRules &random_;
  Family family_;
  PlayedRuleset result_;
};

}  // namespace

PlayedRuleset played_ruleset(RandomRules &random, Family family) {
  return Writer(random, family).write();
}

}  // namespace connmark::test
