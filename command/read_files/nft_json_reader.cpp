// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/output/number_text.h"
#include "command/read_files/json_elements.h"
#include "command/read_files/nft_json_text.h"
#include "command/read_files/refused_input.h"
#include "command/refusal.h"
#include "command/rule_set/builtin_chains.h"
#include "command/rule_set/extension_effects.h"
#include "command/rule_set/rule_marks.h"

namespace connmark {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kProgram = "nft -j list ruleset";
constexpr JsonList kObjects{.member = "nftables", .program = kProgram, .without_elements = "set"};

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

constexpr std::array kFamilies = {
    Named<Family>{"ip", Family::kIpv4},       Named<Family>{"ip6", Family::kIpv6},
    Named<Family>{"inet", Family::kInet},     Named<Family>{"arp", Family::kArp},
    Named<Family>{"bridge", Family::kBridge}, Named<Family>{"netdev", Family::kNetdev}};

constexpr std::array kHooks = {Named<Hook>{"prerouting", Hook::kPrerouting},
                               Named<Hook>{"input", Hook::kInput},
                               Named<Hook>{"forward", Hook::kForward},
                               Named<Hook>{"output", Hook::kOutput},
                               Named<Hook>{"postrouting", Hook::kPostrouting},
                               Named<Hook>{"ingress", Hook::kIngress},
                               Named<Hook>{"egress", Hook::kEgress}};

// Statements behind which a packet goes no further.
constexpr std::array<std::string_view, 11> kEndingStatements = {
    "accept", "drop",       "return",   "queue", "reject",  "dnat",
    "snat",   "masquerade", "redirect", "fwd",   "synproxy"};

// Statements that let only some packets pass.
constexpr std::array<std::string_view, 3> kLimitingStatements = {"limit", "quota", "ct count"};

// Matches and targets of iptables that touch marks, some only with an option.
constexpr std::array<std::string_view, 4> kMarkMatches = {"mark", "connmark", "mark_m", "socket"};
constexpr std::array<std::string_view, 6> kMarkTargets = {"CONNMARK", "MARK",  "TPROXY",
                                                          "SET",      "HMARK", "mark"};

template <typename List>
bool has(const List &list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

template <typename List>
auto named(const List &list, const char *what, const std::string &name) {
  const auto *const found = std::ranges::find(list, name, &std::decay_t<decltype(list[0])>::name);
  if (found != list.end()) return found->value;
  std::string accepted;
  for (const auto &each : list) {
    accepted += (accepted.empty() ? "" : ", ") + std::string(each.name);
  }
  throw Refusal(std::string(what) + " " + in_quotes(name) + " is not known, give one of " +
                accepted);
}

const Json &member(const Json &object, const char *what, const char *name) {
  if (object.is_object()) {
    const auto found = object.find(name);
    if (found != object.end()) return *found;
  }
  throw Refusal("a " + std::string(what) + " without " + in_quotes(name) + ", give what " +
                in_quotes(kProgram) + " prints");
}

const std::string &text_member(const Json &object, const char *what, const char *name) {
  const Json &value = member(object, what, name);
  if (value.is_string()) return value.get_ref<const std::string &>();
  throw Refusal("a " + std::string(what) + " whose " + in_quotes(name) + " is not a text");
}

const std::vector<Json> &list_of(const Json &value, const char *what) {
  if (value.is_array()) return value.get_ref<const std::vector<Json> &>();
  throw Refusal(std::string(what) + " is not a list, give what " + in_quotes(kProgram) + " prints");
}

// What a table has under one name.
std::string key_of(const Json &object, const char *what, const std::string &name) {
  return text_member(object, what, "family") + '\0' + text_member(object, what, "table") + '\0' +
         name;
}

// A number, or "mangle - 5" as people write it.
int priority_of(const Json &prio) {
  if (prio.is_number_integer()) {
    const auto number = prio.is_number_unsigned() && prio.get<std::uint64_t>() > 0x7fffffff
                            ? std::numeric_limits<std::int64_t>::max()
                            : prio.get<std::int64_t>();
    if (number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max()) {
      return static_cast<int>(number);
    }
  }
  if (prio.is_string()) {
    constexpr std::array kNames = {Named<int>{"raw", kRawPriority},
                                   Named<int>{"mangle", kManglePriority},
                                   Named<int>{"dstnat", kDestinationNatPriority},
                                   Named<int>{"filter", kFilterPriority},
                                   Named<int>{"security", kSecurityPriority},
                                   Named<int>{"srcnat", kSourceNatPriority}};
    const std::string text = prio.get<std::string>();
    const std::size_t blank = text.find(' ');
    const int base = named(kNames, "priority", text.substr(0, blank));
    if (blank == text.npos) return base;
    const std::string_view offset = std::string_view(text).substr(blank);
    std::int16_t number = 0;
    if (offset.starts_with(" + ") || offset.starts_with(" - ")) {
      const auto [end, error] =
          std::from_chars(offset.data() + 3, offset.data() + offset.size(), number);
      if (error == std::errc{} && end == offset.data() + offset.size()) {
        return offset[1] == '+' ? base + number : base - number;
      }
    }
  }
  throw Refusal("priority " + in_quotes(prio.dump(-1, ' ', true, Json::error_handler_t::replace)) +
                " is not known, give a number");
}

std::uint32_t mark_number(const Json &json) {
  if (json.is_number_unsigned() && json.get<std::uint64_t>() <= kAllBits) {
    return json.get<std::uint32_t>();
  }
  throw Refusal("mark " + in_quotes(json.dump()) + " is out of range, give 0 to " +
                std::to_string(kAllBits));
}

struct Jump {
  ChainIndex chain = kNoChain;
  bool is_goto = false;

  constexpr bool operator==(const Jump &) const = default;
};

// Where a verdict map leads.
struct Verdicts {
  std::vector<Jump> jumps;  // each once
  bool ends = false;        // it has a verdict that ends the chain

  void add(const Jump &jump) {
    if (std::ranges::find(jumps, jump) == jumps.end()) jumps.push_back(jump);
  }
};

// Folds the statements of one rule, in their order.
class RuleFolder {
 public:
  explicit RuleFolder(Rule &rule) : rule_(rule), marks_(rule) {}

  void match(const Json &match) {
    const Json &left = member(match, "match", "left");
    const Json &right = member(match, "match", "right");
    const std::string &op = text_member(match, "match", "op");
    if (!has_mark(left)) {
      rule_.matches.push_back({});
      read(right);
      return;
    }
    const MarkExpression value = fold(left);
    if (value.unknown_bits() != 0) rule_.matches.push_back({});
    const auto compared =
        right.is_number_integer() ? std::optional(mark_number(right)) : number(right);
    if (compared && (op == "==" || op == "!=")) {
      marks_.test(value, *compared, op == "!=");
    } else if (compared && op == "in") {
      // Some of the bits are set.
      marks_.test(value & MarkExpression::constant(*compared), 0, true);
    } else {
      marks_.test_with_many(value);
      read(right);
    }
  }

  void mangle(const Json &statement, const Json &mangle) {
    const Json &value = member(mangle, "mangle", "value");
    const auto mark = mark_of(member(mangle, "mangle", "key"));
    if (!mark) return read(value);
    const MarkExpression folded = fold(value);
    marks_.write(*mark, folded);
    if (folded.unknown_bits() != 0) marks_.say(nft_text(statement));
  }

  void key_of_map(const Json &key) {
    if (!has_mark(key)) {
      rule_.matches.push_back({});
      return;
    }
    const MarkExpression value = fold(key);
    if (value.unknown_bits() != 0) rule_.matches.push_back({});
    marks_.test_with_many(value);
  }

  void xt(const Json &xt) {
    if (!xt.is_object()) {
      marks_.say("xt");
      return;
    }
    const std::string &type = text_member(xt, "xt", "type");
    const std::string &name = text_member(xt, "xt", "name");
    const bool is_target = type == "target";
    if (is_target) {
      rule_.outcome.verdict = verdict_of_target(name);
    } else if (name != "comment") {
      rule_.matches.push_back({});
    }
    if (is_target ? has(kMarkTargets, name) : has(kMarkMatches, name)) {
      marks_.say("xt " + type + " " + name + ", whose options nft -j does not show");
    }
  }

  // Each mark in `json` is looked at, nobody knows for what.
  void read(const Json &json) {
    if (const auto mark = mark_of(json)) return marks_.test_with_many(marks_.now(*mark));
    if (!json.is_structured()) return;
    for (const Json &each : json) read(each);
  }

 private:
  // A mark in quotes, as with a name in rt_marks, may be a number nonetheless.
  static std::optional<std::uint32_t> number(const Json &json) {
    if (!json.is_string()) return std::nullopt;
    const std::string &text = json.get_ref<const std::string &>();
    std::uint32_t value = 0;
    const bool is_hex = text.starts_with("0x");
    const char *const text_end = text.data() + text.size();
    const auto [end, error] =
        std::from_chars(text.data() + (is_hex ? 2 : 0), text_end, value, is_hex ? 16 : 10);
    if (error != std::errc{} || end != text_end) return std::nullopt;
    return value;
  }

  // In terms of the marks before the rule.
  MarkExpression fold(const Json &json) {
    if (json.is_number_integer()) return MarkExpression::constant(mark_number(json));
    if (const auto value = number(json)) return MarkExpression::constant(*value);
    if (const auto mark = mark_of(json)) return marks_.now(*mark);
    if (json.is_object() && json.size() == 1 && json.begin()->is_array()) {
      constexpr std::array<std::string_view, 5> kOperators = {"&", "|", "^", "<<", ">>"};
      const std::string &name = json.begin().key();
      const auto &operands = json.begin()->get_ref<const std::vector<Json> &>();
      if (has(kOperators, name) && !operands.empty()) return fold(name, operands);
    }
    read(json);
    // A packet that is not in the map, or has no such field, goes to the next rule.
    constexpr std::array<std::string_view, 3> kPartial = {"map", "payload", "exthdr"};
    if (json.is_object() && json.size() == 1 && has(kPartial, json.begin().key())) {
      rule_.matches.push_back({});
    }
    return MarkExpression::unknown();
  }

  MarkExpression fold(const std::string &name, const std::vector<Json> &operands) {
    MarkExpression result = fold(operands[0]);
    for (std::size_t i = 1; i < operands.size(); ++i) {
      const MarkExpression right = fold(operands[i]);
      if (name == "&") {
        result = result & right;
      } else if (name == "|") {
        result = result | right;
      } else if (name == "^") {
        result = result ^ right;
      } else if (!right.is_constant()) {
        result = MarkExpression::unknown();
      } else {
        const std::uint32_t bits = right.constant_bits();
        result = name == "<<" ? result << bits : result >> bits;
      }
    }
    return result;
  }

  Rule &rule_;
  RuleMarks marks_;
};

class NftReader {
 public:
  NftReader(std::istream &in, const std::string &name, Ruleset &ruleset)
      : in_(in),
        name_(name),
        ruleset_(ruleset),
        input_(static_cast<InputIndex>(ruleset.inputs.size())),
        first_chain_(static_cast<ChainIndex>(ruleset.chains.size())) {
    ruleset.inputs.push_back({.name = name, .is_nft = true});
  }

  void read() {
    read_json_elements(in_, name_, kObjects, [this](const Json &object) { take(object); });
    refuse_what_is_not_listed();
    follow_named_maps();
  }

 private:
  // A rule that leads where a map with a name says.
  struct MapUse {
    std::size_t rule = 0;
    std::string map;
  };

  void take(const Json &object) {
    for (const auto &[kind, value] : object.items()) {
      if (kind == "chain") take_chain(value);
      if (kind == "map") take_map(value);
      if (kind == "rule") take_rule(value);
    }
  }

  // The chain of this name in the table of `object`; it may be listed later.
  ChainIndex chain(const Json &object, const char *what, const std::string &name) {
    const auto next = static_cast<ChainIndex>(ruleset_.chains.size());
    const auto [found, is_new] = chains_.try_emplace(key_of(object, what, name), next);
    if (is_new) {
      Chain &chain = ruleset_.chains.emplace_back();
      chain.input = input_;
      chain.family = named(kFamilies, "family", text_member(object, what, "family"));
      chain.table = text_member(object, what, "table");
      chain.name = name;
      is_listed_.push_back(false);
    }
    return found->second;
  }

  void take_chain(const Json &object) {
    const ChainIndex index = chain(object, "chain", text_member(object, "chain", "name"));
    is_listed_[index - first_chain_] = true;
    if (!object.contains("hook")) return;
    Chain &chain = ruleset_.chains[index];
    chain.hook = named(kHooks, "hook", text_member(object, "chain", "hook"));
    chain.priority = priority_of(member(object, "chain", "prio"));
    chain.reroutes = text_member(object, "chain", "type") == "route" && chain.hook == Hook::kOutput;
  }

  void take_map(const Json &object) {
    Verdicts &verdicts = maps_[key_of(object, "map", text_member(object, "map", "name"))];
    if (object.contains("elem")) add_verdicts(object, "map", object["elem"], verdicts);
  }

  // `pairs` are the elements of a map in the table of `object`.
  void add_verdicts(const Json &object, const char *what, const Json &pairs, Verdicts &verdicts) {
    for (const Json &pair : list_of(pairs, "elem")) {
      if (!pair.is_array() || pair.size() != 2 || !pair[1].is_object()) continue;
      for (const auto &[name, value] : pair[1].items()) {
        if (name == "jump" || name == "goto") {
          verdicts.add(
              {chain(object, what, text_member(value, "verdict", "target")), name == "goto"});
        }
        if (name == "accept" || name == "drop" || name == "return") verdicts.ends = true;
      }
    }
  }

  void take_rule(const Json &object) {
    ++ruleset_.inputs[input_].rules;
    Rule rule;
    rule.chain = chain(object, "rule", text_member(object, "rule", "chain"));
    const Json &handle = member(object, "rule", "handle");
    if (!handle.is_number_unsigned()) {
      throw Refusal("a rule whose \"handle\" is not a number");
    }
    rule.number = handle.get<std::uint64_t>();
    if (object.contains("comment")) rule.comment = text_member(object, "rule", "comment");
    const std::vector<Json> &statements = list_of(member(object, "rule", "expr"), "expr");
    RuleFolder folder(rule);
    Verdicts verdicts;
    std::string map;
    for (const Json &statement : statements) {
      if (!statement.is_object()) continue;
      for (const auto &[name, value] : statement.items()) {
        take_statement(object, statement, name, value, rule, folder, verdicts, map);
      }
    }
    const bool has_marks = !rule.tests.empty() || !rule.writes.empty() || !rule.unknown.empty();
    if (has_marks) rule.text = rule_text(statements, rule.comment);
    if (!map.empty()) {
      uses_.push_back({ruleset_.rules.size(), std::move(map)});
    } else if (!has_marks && verdicts.jumps.empty()) {
      return;
    }
    if (verdicts.ends && verdicts.jumps.empty()) rule.outcome.verdict = Verdict::kAccept;
    add(std::move(rule), verdicts.jumps, ruleset_.rules);
  }

  void take_statement(const Json &object, const Json &statement, const std::string &name,
                      const Json &value, Rule &rule, RuleFolder &folder, Verdicts &verdicts,
                      std::string &map) {
    if (name == "match") return folder.match(value);
    if (name == "mangle") return folder.mangle(statement, value);
    if (name == "xt") return folder.xt(value);
    if (name == "jump" || name == "goto") {
      return verdicts.add(
          {chain(object, "rule", text_member(value, "verdict", "target")), name == "goto"});
    }
    if (name == "vmap") {
      folder.key_of_map(member(value, "vmap", "key"));
      const Json &data = member(value, "vmap", "data");
      if (data.is_string()) {
        const std::string &reference = data.get_ref<const std::string &>();
        map = key_of(object, "rule", reference.substr(reference.starts_with('@') ? 1 : 0));
      } else {
        add_verdicts(object, "rule", member(data, "vmap", "set"), verdicts);
      }
      return;
    }
    if (has(kEndingStatements, name)) rule.outcome.verdict = Verdict::kAccept;
    if (has(kLimitingStatements, name)) rule.matches.push_back({});
    folder.read(value);
  }

  static std::string rule_text(const std::vector<Json> &statements, const std::string &comment) {
    std::string text;
    for (const Json &statement : statements) {
      const std::string each = nft_text(statement);
      if (each.empty()) continue;
      if (!text.empty()) text += ' ';
      text += each;
    }
    return comment.empty() ? text : text + " comment \"" + comment + "\"";
  }

  // Once for each chain that the rule leads to.  The packet is changed once only.
  static void add(Rule rule, const std::vector<Jump> &jumps, std::vector<Rule> &rules) {
    auto jump = jumps.begin();
    if (rule.outcome.chain == kNoChain && jump != jumps.end()) lead(rule, *jump++);
    rules.push_back(std::move(rule));
    if (jump == jumps.end()) return;
    Rule other = rules.back();
    other.writes.clear();
    other.unknown.clear();
    for (; jump != jumps.end(); ++jump) {
      lead(other, *jump);
      rules.push_back(other);
    }
  }

  static void lead(Rule &rule, const Jump &jump) {
    rule.outcome = {jump.is_goto ? Verdict::kGoto : Verdict::kJump, jump.chain};
  }

  void refuse_what_is_not_listed() const {
    for (std::size_t i = 0; i < is_listed_.size(); ++i) {
      if (!is_listed_[i]) refuse_unlisted("chain", ruleset_.chains[first_chain_ + i].name);
    }
    for (const MapUse &use : uses_) {
      if (!maps_.contains(use.map)) refuse_unlisted("map", use.map.substr(use.map.rfind('\0') + 1));
    }
  }

  [[noreturn]] void refuse_unlisted(const char *what, const std::string &name) const {
    throw Refusal(name_ + ": " + what + " " + in_quotes(name) +
                  " is used, but not listed, give all that " + in_quotes(kProgram) + " prints");
  }

  // They may be listed behind the rules.
  void follow_named_maps() {
    if (uses_.empty()) return;
    std::vector<Rule> rules;
    rules.reserve(ruleset_.rules.size());
    auto use = uses_.begin();
    for (std::size_t i = 0; i < ruleset_.rules.size(); ++i) {
      Rule &rule = ruleset_.rules[i];
      if (use == uses_.end() || use->rule != i) {
        rules.push_back(std::move(rule));
        continue;
      }
      const Verdicts &verdicts = maps_.at(use++->map);
      if (rule.text.empty() && verdicts.jumps.empty()) continue;
      if (verdicts.ends && verdicts.jumps.empty()) rule.outcome.verdict = Verdict::kAccept;
      add(std::move(rule), verdicts.jumps, rules);
    }
    ruleset_.rules = std::move(rules);
  }

  std::istream &in_;
  const std::string &name_;
  Ruleset &ruleset_;
  const InputIndex input_;
  const ChainIndex first_chain_;
  std::unordered_map<std::string, ChainIndex> chains_;
  std::vector<bool> is_listed_;  // of each chain from first_chain_ on
  std::unordered_map<std::string, Verdicts> maps_;
  std::vector<MapUse> uses_;
};

}  // namespace

void read_nft_json(std::istream &in, const std::string &name, Ruleset &ruleset) {
  RulesetAddition addition(ruleset);
  NftReader(in, name, ruleset).read();
  addition.keep();
}

}  // namespace connmark
