// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/policy_rules_reader.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "command/output/number_text.h"
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

  void take_address(std::string_view text) {
    if (text.find(':') != text.npos) ipv6_address = true;
    if (text.find('.') != text.npos) ipv4_address = true;
  }
  Family family() const {
    if (ipv4_address != ipv6_address) return ipv6_address ? Family::kIpv6 : Family::kIpv4;
    return default_table ? Family::kIpv4 : Family::kIpv6;
  }
};

std::uint32_t read_mark_word(const std::string &option, const std::string &text) {
  constexpr std::size_t kLongestMark = 32;
  if (text.size() <= kLongestMark) {
    try {
      return read_mark(option, text);
    } catch (const Refusal &) {
      // Refused below, in words that a terminal can show.
    }
  }
  throw Refusal(option + ": " + in_quotes(text) + " is not a mark, give 0 to " + hex(kAllBits));
}

// A member as ip would print it without -j.
std::string word(const Json &value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  throw Refusal("a rule with a value that is neither a number nor a text");
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

  const Json &required(const char *name) const {
    const auto found = rule_.find(name);
    if (found == rule_.end()) {
      throw Refusal("a rule without " + in_quotes(name) + ", give what \"ip -j rule\" prints");
    }
    return *found;
  }

 private:
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
  PolicyReader(std::istream &in, const std::string &name, Ruleset &ruleset)
      : in_(in),
        name_(name),
        ruleset_(ruleset),
        input_(static_cast<InputIndex>(ruleset.inputs.size())),
        first_of_list_(ruleset.policy_rules.size()) {
    ruleset.inputs.push_back({name, false});
    ruleset.has_policy_rules = true;
  }

  void read() {
    const int first = in_.peek();
    if (first == '[' || first == '{') {
      read_json_elements(in_, name_, kRules, [this](const Json &rule) { take(rule); });
    } else {
      read_text();
    }
    settle_family();
  }

 private:
  void take(const Json &rule) {
    const std::string priority = word(JsonRule(rule).required("priority"));
    for (const char *const name : {"src", "dst"}) {
      if (rule.contains(name)) signs_.take_address(word(rule[name]));
    }
    if (rule.contains("table")) take_table(word(rule["table"]));
    if (!rule.contains("fwmark")) return;
    PolicyRule result;
    result.priority = read_priority(priority);
    result.value = read_mark_word("fwmark", word(rule["fwmark"]));
    if (rule.contains("fwmask")) result.mask = read_mark_word("fwmask", word(rule["fwmask"]));
    result.inverted = rule.contains("not");
    result.text = JsonRule(rule).text();
    add(std::move(result));
  }

  void read_text() {
    TextLines lines(in_, name_);
    bool is_empty = true;
    std::uint32_t last_priority = 0;
    for (std::string_view line; lines.next(line);) {
      if (line.find_first_not_of(" \t") == line.npos) continue;
      is_empty = false;
      try {
        take_line(line, last_priority);
      } catch (const Refusal &refused) {
        lines.refuse(refused.what());
      }
    }
    if (is_empty) {
      refuse_line(name_, 1, "no rule, give what \"ip -j rule\" or \"ip rule\" prints");
    }
  }

  // "32765:\tfrom all fwmark 0x80/0x80 lookup 100"
  void take_line(std::string_view line, std::uint32_t &last_priority) {
    const std::size_t colon = line.find(':');
    std::string_view rest = colon == line.npos ? "" : line.substr(colon + 1);
    PolicyRule result;
    if (line.find_first_not_of("0123456789") != colon || colon == 0) refuse_text(line);
    result.priority = read_priority(std::string(line.substr(0, colon)));
    // Rules are listed by priority; a lower one begins the other family's list.
    if (result.priority < last_priority) settle_family();
    last_priority = result.priority;
    result.text = std::string(line.substr(0, colon + 1));
    std::string option;
    bool has_from = false;
    bool has_mark = false;
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
      if (rest.empty()) break;
      const std::string each(rest.substr(0, rest.find_first_of(" \t")));
      rest.remove_prefix(each.size());
      result.text.append(" ").append(each);
      if (option == "fwmark") {
        const std::size_t slash = each.find('/');
        result.value = read_mark_word("fwmark", each.substr(0, slash));
        if (slash != each.npos) result.mask = read_mark_word("fwmark", each.substr(slash + 1));
        has_mark = true;
      } else if (option == "from" || option == "to") {
        signs_.take_address(each);
        has_from = true;
      } else if (option == "lookup") {
        take_table(each);
      } else if (each == "not") {
        result.inverted = true;
      }
      option = each;
    }
    if (!has_from || option == "fwmark") refuse_text(line);
    if (has_mark) add(std::move(result));
  }

  [[noreturn]] static void refuse_text(std::string_view line) {
    throw Refusal(in_quotes(line) +
                  " is not a rule, give what \"ip -j rule\" or \"ip rule\" prints");
  }

  static std::uint32_t read_priority(const std::string &text) {
    std::uint32_t priority = 0;
    const char *const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, priority);
    if (error != std::errc{} || end != text_end) {
      throw Refusal("priority: " + in_quotes(text) + " is not one, give 0 to " +
                    std::to_string(kAllBits));
    }
    return priority;
  }

  void take_table(std::string_view table) {
    if (table == "default" || table == "253") signs_.default_table = true;
  }

  void add(PolicyRule rule) {
    rule.input = input_;
    ruleset_.policy_rules.push_back(std::move(rule));
  }

  void settle_family() {
    for (std::size_t i = first_of_list_; i < ruleset_.policy_rules.size(); ++i) {
      ruleset_.policy_rules[i].family = signs_.family();
    }
    first_of_list_ = ruleset_.policy_rules.size();
    signs_ = {};
  }

  std::istream &in_;
  const std::string &name_;
  Ruleset &ruleset_;
  const InputIndex input_;
  std::size_t first_of_list_;
  FamilySigns signs_;
};

}  // namespace

void read_policy_rules(std::istream &in, const std::string &name, Ruleset &ruleset) {
  RulesetAddition addition(ruleset);
  PolicyReader(in, name, ruleset).read();
  addition.keep();
}

}  // namespace connmark
