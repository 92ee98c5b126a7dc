// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/policy_rules_reader.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>

#include "command/iproute/policy_rule_text.h"
#include "command/read_files/json_elements.h"
#include "command/read_files/refused_input.h"
#include "command/read_files/text_lines.h"
#include "command/refusal.h"

namespace connmark {
namespace {

using Json = nlohmann::json;

constexpr JsonList kRules{.member = "", .program = "ip -j rule", .without_elements = ""};

// What the rules of one list say about their family.
struct FamilySigns {
  bool ipv4_address = false;
  bool ipv6_address = false;
  bool default_table = false;

  void take(const PolicyRule &rule) {
    if (rule.table_name == "default" || rule.table_name == "253") default_table = true;
    for (const Match &match : rule.matches) {
      if (match.attribute != Attribute::kSource && match.attribute != Attribute::kDestination) {
        continue;
      }
      if (match.text.find(':') != match.text.npos) ipv6_address = true;
      if (match.text.find('.') != match.text.npos) ipv4_address = true;
    }
  }
  Family family() const {
    if (ipv4_address != ipv6_address) return ipv6_address ? Family::kIpv6 : Family::kIpv4;
    return default_table ? Family::kIpv4 : Family::kIpv6;
  }
};

// A member as ip would print it without -j.
std::string word(const Json &value) {
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (!value.is_string()) {
    throw Refusal("a rule with a value that is neither a number nor a text");
  }
  auto text = value.get<std::string>();
  const auto is_of_a_word = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  if (text.empty() || !std::ranges::all_of(text, is_of_a_word)) {
    throw Refusal("a rule with the value " + in_quotes(text) + ", which is not one word");
  }
  return text;
}

class JsonRule {
 public:
  explicit JsonRule(const Json &rule) : rule_(rule) {}

  // The members in the order of print_rule() of ip/iprule.c.
  std::string text() {
    text_ = word(required("priority")) + ":";
    if (rule_.contains("not")) text_ += " not";
    address("from", "src", "srclen");
    if (rule_.contains("dst")) address("to", "dst", "dstlen");
    named("tos", "tos");
    named("dscp", "dscp");
    if (rule_.contains("fwmark")) {
      add("fwmark", word(rule_["fwmark"]));
      if (rule_.contains("fwmask")) text_.append("/").append(word(rule_["fwmask"]));
    }
    interface("iif", "iif_detached");
    interface("oif", "oif_detached");
    if (rule_.contains("l3mdev")) text_ += " lookup [l3mdev-table]";
    range("uidrange", "uidrange", "uid_start", "uid_end");
    named("ipproto", "ipproto");
    range("sport", "sport", "sport_start", "sport_end");
    range("dport", "dport", "dport_start", "dport_end");
    named("tun_id", "tun_id");
    named("lookup", "table");
    named("suppress_prefixlength", "suppress_prefixlen");
    named("suppress_ifgroup", "suppress_ifgroup");
    if (rule_.contains("flow_to")) {
      text_ += " realms ";
      if (rule_.contains("flow_from")) text_ += word(rule_["flow_from"]) + "/";
      text_ += word(rule_["flow_to"]);
    }
    named("goto", "goto");
    if (rule_.contains("unresolved")) text_ += " [unresolved]";
    if (rule_.contains("nop")) text_ += " nop";
    if (rule_.contains("action")) text_.append(" ").append(word(rule_["action"]));
    named("proto", "protocol");
    return text_;
  }

 private:
  const Json &required(const char *name) const {
    const auto found = rule_.find(name);
    if (found == rule_.end()) {
      throw Refusal("a rule without " + in_quotes(name) + ", give what \"ip -j rule\" prints");
    }
    return *found;
  }

  void add(const char *label, const std::string &value) {
    text_.append(" ").append(label).append(" ").append(value);
  }

  void named(const char *label, const char *name) {
    if (rule_.contains(name)) add(label, word(rule_[name]));
  }

  void address(const char *label, const char *name, const char *length) {
    named(label, name);
    if (rule_.contains(length)) text_.append("/").append(word(rule_[length]));
  }

  void interface(const char *name, const char *detached) {
    named(name, name);
    if (rule_.contains(detached)) text_ += " [detached]";
  }

  void range(const char *label, const char *name, const char *from, const char *to) {
    named(label, name);
    if (rule_.contains(from) && rule_.contains(to)) {
      add(label, word(rule_[from]) + "-" + word(rule_[to]));
    }
  }

  const Json &rule_;
  std::string text_;
};

class PolicyReader {
 public:
  PolicyReader(std::istream &in, const std::string &name) : in_(in), name_(name) {}

  // Those that wait to be moved would else have to fit three times into memory.
  std::deque<PolicyRule> read() {
    const int first = in_.peek();
    if (first == '[' || first == '{') {
      // The text of a rule has all that there is to know of it.
      read_json_elements(in_, name_, kRules,
                         [this](const Json &rule) { take(JsonRule(rule).text()); });
    } else {
      read_text();
    }
    settle_family();
    return std::move(rules_);
  }

 private:
  void read_text() {
    TextLines lines(in_, name_);
    bool is_empty = true;
    std::uint32_t last_priority = 0;
    for (std::string_view line; lines.next(line);) {
      if (line.find_first_not_of(" \t") == line.npos) continue;
      is_empty = false;
      try {
        take(line);
      } catch (const Refusal &refused) {
        lines.refuse(refused.what());
      }
      // Rules are listed by priority; a lower one begins the other family's list.
      const std::uint32_t priority = rules_.back().priority;
      if (priority < last_priority) {
        PolicyRule next = std::move(rules_.back());
        rules_.pop_back();
        settle_family();
        add(std::move(next));
      }
      last_priority = priority;
    }
    if (is_empty) {
      refuse_line(name_, 1, "no rule, give what \"ip -j rule\" or \"ip rule\" prints");
    }
  }

  void take(std::string_view line) { add(read_policy_rule(line)); }

  void add(PolicyRule rule) { rules_.push_back(std::move(rule)); }

  void settle_family() {
    FamilySigns signs;
    for (std::size_t i = first_of_list_; i < rules_.size(); ++i) signs.take(rules_[i]);
    for (; first_of_list_ < rules_.size(); ++first_of_list_) {
      PolicyRule &rule = rules_[first_of_list_];
      rule.family = signs.family();
      settle_prefixes(rule);
    }
  }

  std::istream &in_;
  const std::string &name_;
  std::deque<PolicyRule> rules_;
  std::size_t first_of_list_ = 0;
};

}  // namespace

void read_policy_rules(std::istream &in, const std::string &name, Ruleset &ruleset) {
  std::deque<PolicyRule> rules = PolicyReader(in, name).read();
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  ruleset.inputs.push_back({.name = name, .rules = rules.size()});
  ruleset.has_policy_rules = true;
  ruleset.policy_rules.reserve(ruleset.policy_rules.size() + rules.size());
  for (; !rules.empty(); rules.pop_front()) {
    rules.front().input = input;
    ruleset.policy_rules.push_back(std::move(rules.front()));
  }
}

}  // namespace connmark
