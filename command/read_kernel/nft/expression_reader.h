// SPDX-License-Identifier: GPL-2.0-or-later
//
// Goes through the expressions of one rule in their order.  For each register it
// keeps the value in terms of the marks before the rule, the words for it, and
// which marks went into it: a value that cannot be said may still come from a
// mark, and whatever such a register flows into has looked at that mark.
//
// Expressions are read from the kernel's attributes (linux/netfilter/nf_tables.h),
// since libnftnl drops those that are newer than itself, as the second source of
// Linux 6.13's bitwise.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "command/read_kernel/netlink.h"
#include "command/read_kernel/nft/registers.h"
#include "command/read_kernel/nft/rule_text.h"
#include "command/read_kernel/nft_rule.h"
#include "command/rule_set/rule_marks.h"
#include "command/rule_set/rule_matches.h"
#include "command/rule_set/ruleset.h"

namespace connmark::nft {

class ExpressionReader {
 public:
  ExpressionReader(const NftTable &table, std::string_view chain, Rule &rule)
      : table_(table), rule_(rule), marks_(rule), text_(table, chain) {}

  NftSetUses read(const nlattr *expressions);

 private:
  void expression(std::string_view name, const nlattr *data);
  // expressions of statements.cpp; false for a name that is none of them
  bool statement(std::string_view name, const Attributes &of);
  bool load(std::string_view name, const Attributes &of);

  // loads.cpp
  void meta(const Attributes &of);
  void ct(const Attributes &of);
  void payload(const Attributes &of);
  void fib(const Attributes &of);
  void load_mark(Mark mark, std::uint32_t number);
  // `size` bytes that have to do with no mark.
  void load_other(std::uint32_t number, std::size_t size, Register value);
  void load_field(std::uint32_t number, LoadedField field, const Register &value);
  void forget_field(std::uint32_t number);

  // values.cpp
  void immediate(const Attributes &of);
  void bitwise(const Attributes &of);
  std::optional<Register> bitwise_word(const Attributes &of, std::size_t word, std::size_t count);
  void byteorder(const Attributes &of);
  void hash(const Attributes &of);
  void lookup(const Attributes &of);

  // compares.cpp
  void cmp(const Attributes &of);
  void range(const Attributes &of);
  void compare_marks(const Register &value, std::uint32_t operation, Bytes data);
  void match_unknown(const Register &value, std::uint32_t operation, std::uint32_t compared);
  // The words that iptables has for a comparison, if it has.
  void iptables_test(const Register &value, std::uint32_t compared, bool inverted);
  void match_with_many(std::uint32_t number, std::size_t size, std::string words, bool inverted);

  // field_matches.cpp
  void match_field(std::uint32_t source, std::uint32_t operation, Bytes data);
  void match_range(std::uint32_t source, bool inverted, Bytes from, Bytes to);
  bool match_upper_bound(std::uint32_t source, Bytes data);
  std::optional<Match> field_match(const LoadedField &field, std::uint32_t operation,
                                   Bytes data) const;
  // Only TCP has such an option.
  void add_protocol_of_option(std::uint32_t source, bool inverted, Bytes data);
  void payload_matches(const LoadedField &field, std::uint32_t operation, Bytes data);
  std::string field_words(const LoadedField &field, std::uint32_t operation, Bytes data) const;
  bool is_ipv6() const;
  bool has_ports() const;

  // statements.cpp
  void write_mark(Mark mark, std::uint32_t number);
  // Something else is written from a register.
  void write_other(const std::string &what, std::uint32_t number);
  void dynset(const Attributes &of);
  void objref(const Attributes &of);
  void xt(bool is_match, const Attributes &of);
  void verdict(const nlattr *data);
  void ends(Verdict verdict);
  void match_other(std::string words, bool is_stable);
  // Whoever reads these registers looks at the marks in them.
  void use(std::uint32_t number, std::size_t size);
  void use(const Attributes &of, std::initializer_list<std::size_t> types);

  const NftTable &table_;
  Rule &rule_;
  RuleMarks marks_;
  RuleText text_;
  Registers registers_;
  std::optional<std::pair<std::uint32_t, LoadedField>> field_;  // the last one, and its register
  bool writes_natively_ = false;
  // "ct mark >= 0x5" becomes "ct mark 0x5-0x9" when "<= 0x9" follows; of a field
  // also its register, the bound, and the matches without it.
  std::string lower_bound_;
  std::optional<std::size_t> unknown_bound_;  // which of the matches is one
  struct LowerBound {
    std::uint32_t source = 0;
    Bytes data;
    std::size_t matches = 0;
  };
  std::optional<LowerBound> field_bound_;
  NftSetUses sets_;
};

// "2.1.0", the numbers of these attributes.
std::string numbers_of(const Attributes &of, std::initializer_list<std::size_t> types);

}  // namespace connmark::nft
