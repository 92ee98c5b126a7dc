// SPDX-License-Identifier: GPL-2.0-or-later
//
// A text of iptables-save or ip6tables-save, or of several of them one behind the
// other: its tables, chains and rules, one after the other.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/iptables/rule_syntax.h"
#include "command/read_files/text_lines.h"

namespace connmark {

struct SavedChain {
  std::uint32_t table = 0;   // index into tables()
  std::uint32_t number = 0;  // of all chains of the text, counted from 0
  std::string_view name;     // valid until the next call
  std::string_view policy;   // "ACCEPT", "DROP", "-" for a chain that has none
};

class SaveText {
 public:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  struct Table {
    std::string name;
    std::optional<Family> told_family;  // by a comment of iptables-save before it
    std::uint32_t dump = 0;             // how many such comments stand before it
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> chains;  // numbers
  };

  enum class Item : std::uint8_t { kChain, kRule, kEnd };

  // Both have to outlive this.
  SaveText(std::istream &in, const std::string &name);
  SaveText(const SaveText &) = delete;
  SaveText &operator=(const SaveText &) = delete;

  // A chain comes before its rules, each once; a built-in one may lack its
  // declaration.  Refusal for what iptables-save does not write.
  Item next();

  // Of kChain, and of kRule, the chain whose rule it is.
  const SavedChain &chain() const { return chain_; }
  // Of kRule, valid until the next call: the rule without its counters, its words
  // and what they are; a syntax that iptables refuses is a Refusal.
  std::string_view rule() const { return rule_; }
  const std::vector<Word> &words() const { return words_; }
  const RuleSyntax &syntax() const { return syntax_; }
  std::optional<std::uint32_t> chain_named(std::string_view name) const;

  const std::deque<Table> &tables() const { return tables_; }
  // Where no comment tells, a text is IPv6 that holds something of IPv6 alone, and
  // nothing of IPv4; to be asked at the end.
  Family family_of(const Table &table) const;
  // What is known of the table at hand, on the way.
  Family likely_family() const { return told_family_.value_or(Family::kIpv4); }

  std::uint32_t line() const { return lines_.number(); }
  [[noreturn]] void refuse(const std::string &what) const { lines_.refuse(what); }

 private:
  std::optional<Item> take(std::string_view line);
  void take_comment(std::string_view line);
  void begin_table(std::string_view name);
  std::optional<Item> declare_chain(std::string_view line);
  Item add_chain(std::string_view name, std::string_view policy);
  std::optional<Item> take_rule_line(std::string_view line);
  void note_family();
  [[noreturn]] void refuse_foreign(std::string_view line) const;

  TextLines lines_;
  std::deque<Table> tables_;
  Table *table_ = nullptr;
  std::uint32_t table_index_ = 0;
  std::uint32_t chain_count_ = 0;
  std::optional<Family> told_family_;
  std::uint32_t dump_ = 0;
  bool saw_ipv4_ = false;
  bool saw_ipv6_ = false;

  SavedChain chain_;
  std::string_view rule_;
  std::vector<Word> words_;
  std::string unquoted_;
  RuleContext context_;
  RuleSyntax syntax_;
  bool has_waiting_rule_ = false;  // behind the built-in chain that was added for it
};

}  // namespace connmark
