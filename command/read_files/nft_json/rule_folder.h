// SPDX-License-Identifier: GPL-2.0-or-later
//
// The statements of one rule of `nft -j list ruleset`, folded into what the rule
// tests and writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command/marks/mark_expression.h"
#include "command/read_files/nft_json/members.h"
#include "command/rule_set/rule_marks.h"
#include "command/rule_set/ruleset.h"

namespace connmark::nft_json {

class RuleFolder {
 public:
  // `family` is the table's.
  RuleFolder(Rule &rule, Family family) : rule_(rule), family_(family), marks_(rule) {}

  // A statement other than jump and goto, in the order of the rule.  Of a `vmap`
  // only the key is taken.
  void take(std::string_view name, const Json &value, const Json &statement);

  // The matches of the rule that look into a set or map with a name ("@s").
  const std::vector<std::pair<std::uint32_t, std::string>> &lookups() const { return lookups_; }
  // The sets and maps that the rule itself changes.
  const std::vector<std::string> &changed_sets() const { return changed_sets_; }

 private:
  // A value, in terms of the marks before the rule.
  struct Folded {
    MarkExpression value;
    MarkBits lost = {};          // went into it, and are not seen in it
    bool of_connection = false;  // the connection's mark was loaded
    bool is_swapped = false;     // of something in network order, which has no bits of its own
    std::string missing;         // what a packet may lack

    void join(const Folded &other);
  };

  void match(const Json &match);
  void mangle(const Json &mangle, const Json &statement);
  void key_of_map(const Json &map, const char *word);
  void xt(const Json &xt);
  void dynamic_set(std::string_view name, const Json &value);
  void other_statement(std::string_view name, const Json &value);
  void ends(std::string_view name, const Json &value);

  Folded fold(const Json &json);
  Folded fold_operation(std::string_view name, const std::vector<Json> &operands);
  Folded fold_parts(const Json &json);
  // What was folded goes where no more is known of it than that it went there.
  void use(const Folded &folded);
  void use(const Json &json);
  // `all` of those that need no set are left out.
  void note_lookups(const Json &json);
  void add_other(std::string words, bool inverted, bool is_stable, const Json &sets_in);

  Rule &rule_;
  const Family family_;
  RuleMarks marks_;
  std::vector<std::pair<std::uint32_t, std::string>> lookups_;
  std::vector<std::string> changed_sets_;
};

}  // namespace connmark::nft_json
