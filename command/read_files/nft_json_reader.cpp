// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "command/read_files/json_elements.h"
#include "command/read_files/nft_json/members.h"
#include "command/read_files/nft_json/rule_folder.h"
#include "command/read_files/nft_json/statement_text.h"
#include "command/read_files/refused_input.h"
#include "command/refusal.h"
#include "command/rule_set/builtin_chains.h"

namespace connmark {
namespace {

using nft_json::Json;
using nft_json::kProgram;
using nft_json::list_of;
using nft_json::member;
using nft_json::text_member;

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

// A set or map with a name, of one table.
struct NamedSet {
  std::string name;
  bool is_listed_map = false;
  bool is_led_by = false;                         // some rule goes where it says
  bool is_changed = false;                        // by rules, for any packet
  std::shared_ptr<std::vector<Branch>> branches;  // of a verdict map
};

using SetIndex = std::uint32_t;

struct Table {
  bool is_dormant = false;
  std::unordered_map<std::string, ChainIndex> chains;
  std::unordered_map<std::string, SetIndex> sets;
};

class NftReader {
 public:
  NftReader(std::istream &in, const std::string &name, Ruleset &ruleset)
      : in_(in),
        name_(name),
        ruleset_(ruleset),
        input_(static_cast<InputIndex>(ruleset.inputs.size())),
        first_chain_(static_cast<ChainIndex>(ruleset.chains.size())),
        first_rule_(ruleset.rules.size()) {
    ruleset.inputs.push_back({.name = name, .is_nft = true});
  }

  void read() {
    read_json_elements(in_, name_, kObjects, [this](const Json &object) { take(object); });
    refuse_what_is_not_listed();
    distrust_changed_sets();
    leave_out_empty_rules();
  }

 private:
  // A match that looks into a set.
  struct Lookup {
    std::size_t rule = 0;
    std::uint32_t match = 0;
    SetIndex set = 0;
  };

  void take(const Json &object) {
    for (const auto &[kind, value] : object.items()) {
      if (kind == "table") take_table(value);
      if (kind == "chain") take_chain(value);
      if (kind == "map") take_map(value);
      if (kind == "rule") take_rule(value);
    }
  }

  Table &table(const Json &object, const char *what, const char *name_of_table = "table") {
    return tables_[text_member(object, what, "family") + '\0' +
                   text_member(object, what, name_of_table)];
  }

  void take_table(const Json &object) {
    const auto flags = object.is_object() ? object.find("flags") : object.end();
    if (flags == object.end()) return;
    const bool is_dormant = flags->is_array()
                                ? std::ranges::find(*flags, Json("dormant")) != flags->end()
                                : *flags == "dormant";
    if (is_dormant) table(object, "table", "name").is_dormant = true;
  }

  // The chain of this name; it may be listed later.
  ChainIndex chain(Table &table, const std::string &name) {
    const auto next = static_cast<ChainIndex>(ruleset_.chains.size());
    const auto [found, is_new] = table.chains.try_emplace(name, next);
    if (is_new) {
      Chain &chain = ruleset_.chains.emplace_back();
      chain.input = input_;
      chain.name = name;
      is_listed_.push_back(false);
    }
    return found->second;
  }

  SetIndex set(Table &table, std::string_view name) {
    const auto [found, is_new] =
        table.sets.try_emplace(std::string(name), static_cast<SetIndex>(sets_.size()));
    if (is_new) sets_.emplace_back().name = name;
    return found->second;
  }

  void take_chain(const Json &object) {
    Table &of = table(object, "chain");
    if (of.is_dormant) return;
    const ChainIndex index = chain(of, text_member(object, "chain", "name"));
    is_listed_[index - first_chain_] = true;
    Chain &chain = ruleset_.chains[index];
    chain.family = named(kFamilies, "family", text_member(object, "chain", "family"));
    chain.table = text_member(object, "chain", "table");
    if (!object.contains("hook")) return;
    chain.hook = named(kHooks, "hook", text_member(object, "chain", "hook"));
    chain.priority = priority_of(member(object, "chain", "prio"));
    const std::string &type = text_member(object, "chain", "type");
    chain.reroutes = type == "route" && chain.hook == Hook::kOutput;
    chain.is_nat = type == "nat";
    chain.policy_drops = nft_json::member_text(object, "policy") == "drop";
  }

  void take_map(const Json &object) {
    Table &of = table(object, "map");
    if (of.is_dormant) return;
    NamedSet &map = sets_[set(of, text_member(object, "map", "name"))];
    map.is_listed_map = true;
    if (!object.contains("elem")) return;
    if (map.branches == nullptr) map.branches = std::make_shared<std::vector<Branch>>();
    add_branches(of, object["elem"], *map.branches);
  }

  // `pairs` are the elements of a map in the table `of`.
  void add_branches(Table &of, const Json &pairs, std::vector<Branch> &branches) {
    std::unordered_set<std::uint64_t> seen;
    for (const Json &pair : list_of(pairs, "elem")) {
      if (!pair.is_array() || pair.size() != 2 || !pair[1].is_object()) continue;
      for (const auto &[name, value] : pair[1].items()) {
        const Branch branch = branch_of(of, name, value);
        if (branch.verdict == Verdict::kContinue) continue;
        const auto key = static_cast<std::uint64_t>(branch.verdict) << 32 | branch.chain;
        if (seen.insert(key).second) branches.push_back(branch);
      }
    }
  }

  Branch branch_of(Table &of, std::string_view name, const Json &value) {
    if (name == "jump" || name == "goto") {
      return {name == "goto" ? Verdict::kGoto : Verdict::kJump,
              chain(of, text_member(value, "verdict", "target"))};
    }
    if (name == "accept") return {Verdict::kAccept};
    if (name == "drop") return {Verdict::kDrop};
    if (name == "return") return {Verdict::kReturn};
    return {};
  }

  void take_rule(const Json &object) {
    const std::string &name = text_member(object, "rule", "chain");
    Table &of = table(object, "rule");
    if (of.is_dormant) return;
    ++ruleset_.inputs[input_].rules;
    Rule rule;
    rule.chain = chain(of, name);
    const Json &handle = member(object, "rule", "handle");
    if (!handle.is_number_unsigned()) {
      throw Refusal("a rule whose \"handle\" is not a number");
    }
    rule.number = handle.get<std::uint64_t>();
    if (object.contains("comment")) rule.comment = text_member(object, "rule", "comment");
    const std::vector<Json> &statements = list_of(member(object, "rule", "expr"), "expr");
    const Family family = named(kFamilies, "family", text_member(object, "rule", "family"));
    nft_json::RuleFolder folder(rule, family);
    for (const Json &statement : statements) {
      if (!statement.is_object()) continue;
      for (const auto &[kind, value] : statement.items()) {
        if (kind == "jump" || kind == "goto") {
          rule.outcome = branch_of(of, kind, value);
          continue;
        }
        folder.take(kind, value, statement);
        if (kind == "vmap") lead(of, member(value, "vmap", "data"), rule);
      }
    }
    if (rule.touches_marks()) rule.text = rule_text(statements, rule.comment);
    for (const std::string &changed : folder.changed_sets()) {
      sets_[set(of, changed)].is_changed = true;
      some_set_is_changed_ = true;
    }
    if (says_nothing(rule)) return;
    for (const auto &[match, in] : folder.lookups()) {
      lookups_.push_back({ruleset_.rules.size(), match, set(of, in)});
    }
    ruleset_.rules.push_back(std::move(rule));
  }

  // Where a verdict map leads; one with a name may be listed behind the rule.
  void lead(Table &of, const Json &data, Rule &rule) {
    if (!data.is_string()) {
      auto branches = std::make_shared<std::vector<Branch>>();
      add_branches(of, member(data, "vmap", "set"), *branches);
      if (!branches->empty()) rule.branches = std::move(branches);
      return;
    }
    const std::string_view reference = data.get_ref<const std::string &>();
    NamedSet &map = sets_[set(of, reference.substr(reference.starts_with('@') ? 1 : 0))];
    map.is_led_by = true;
    if (map.branches == nullptr) map.branches = std::make_shared<std::vector<Branch>>();
    rule.branches = map.branches;
  }

  static std::string rule_text(const std::vector<Json> &statements, const std::string &comment) {
    std::string text;
    for (const Json &statement : statements) {
      const std::string each = nft_json::nft_text(statement);
      if (each.empty()) continue;
      if (!text.empty()) text += ' ';
      text += each;
    }
    return comment.empty() ? text : text + " comment \"" + comment + "\"";
  }

  static bool says_nothing(const Rule &rule) {
    return !rule.touches_marks() && rule.outcome.verdict == Verdict::kContinue &&
           rule.branches == nullptr && !rule.untracks;
  }

  void refuse_what_is_not_listed() const {
    for (std::size_t i = 0; i < is_listed_.size(); ++i) {
      if (!is_listed_[i]) refuse_unlisted("chain", ruleset_.chains[first_chain_ + i].name);
    }
    for (const NamedSet &set : sets_) {
      if (set.is_led_by && !set.is_listed_map) refuse_unlisted("map", set.name);
    }
  }

  [[noreturn]] void refuse_unlisted(const char *what, const std::string &name) const {
    throw Refusal(name_ + ": " + what + " " + in_quotes(name) +
                  " is used, but not listed, give all that " + in_quotes(kProgram) + " prints");
  }

  // What rules add to and take away for each packet may have another answer at
  // the next look.
  void distrust_changed_sets() {
    if (!some_set_is_changed_) return;
    for (const Lookup &lookup : lookups_) {
      if (sets_[lookup.set].is_changed) {
        ruleset_.rules[lookup.rule].matches[lookup.match].is_stable = false;
      }
    }
  }

  // A map that was listed behind its rules may have turned out to lead nowhere.
  void leave_out_empty_rules() {
    const auto begin = ruleset_.rules.begin() + static_cast<std::ptrdiff_t>(first_rule_);
    const auto kept = std::remove_if(begin, ruleset_.rules.end(), [](Rule &rule) {
      if (rule.branches != nullptr && rule.branches->empty()) rule.branches.reset();
      return says_nothing(rule);
    });
    ruleset_.rules.erase(kept, ruleset_.rules.end());
  }

  std::istream &in_;
  const std::string &name_;
  Ruleset &ruleset_;
  const InputIndex input_;
  const ChainIndex first_chain_;
  const std::size_t first_rule_;
  std::unordered_map<std::string, Table> tables_;
  std::vector<bool> is_listed_;  // of each chain from first_chain_ on
  std::vector<NamedSet> sets_;
  std::vector<Lookup> lookups_;
  bool some_set_is_changed_ = false;
};

}  // namespace

void read_nft_json(std::istream &in, const std::string &name, Ruleset &ruleset) {
  RulesetAddition addition(ruleset);
  NftReader(in, name, ruleset).read();
  addition.keep();
}

}  // namespace connmark
