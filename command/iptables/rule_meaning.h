// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the words of a rule to what it asks of packets and does with them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "command/iptables/rule_syntax.h"
#include "command/iptables/save_text.h"
#include "command/marks/mark_expression.h"
#include "command/output/number_text.h"
#include "command/rule_set/rule_marks.h"
#include "command/rule_set/ruleset.h"

namespace connmark {

class RuleMeaning {
 public:
  // `first_chain` is the index of the text's chain number 0.
  RuleMeaning(const SaveText &text, ChainIndex first_chain)
      : text_(text), first_chain_(first_chain) {}

  // Fills in all of `rule` but its chain, line, number and text; what has a value
  // that iptables does not take is refused with the text's line.
  void read(Rule &rule);

 private:
  RuleMarks &marks() { return marks_ ? *marks_ : marks_.emplace(*rule_); }
  void take_own(const OptionWords &option);
  void take_match(std::uint32_t part, std::size_t from, std::size_t to);
  void take_mark_match(Mark mark, std::size_t from, std::size_t to);
  bool take_known_option(std::string_view match, const OptionWords &option);
  bool take_ports(const OptionWords &option);
  bool take_states(const OptionWords &option);
  void take_mark_reads(std::string_view match, std::size_t from, std::size_t to);
  void take_target();
  void take_target_option(const OptionWords &option);
  void write_mark(Target target);
  std::optional<MarkRule> any_mark_rule() const;
  const MarkExpression &expression(const MarkRule &rule);
  void add_other(std::string text, bool is_stable, bool inverted);
  // The words of options_[from] up to options_[to] as they stand in the text.
  std::string words_text(std::size_t from, std::size_t to) const;
  std::string words_behind_inversion(const OptionWords &option) const;
  void read_packet_mark();
  MarkAndMask mark_argument(const OptionWords &option) const;

  const SaveText &text_;
  ChainIndex first_chain_;
  Rule *rule_ = nullptr;
  std::optional<RuleMarks> marks_;            // if it has to do with marks
  std::vector<const OptionWords *> options_;  // iptables' own first, then by part

  // Neighbours often do the same.
  std::optional<MarkRule> last_rule_;
  MarkExpression last_expression_;
};

}  // namespace connmark
