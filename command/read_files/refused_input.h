// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the readers have in common: all or nothing, and words for what cannot be
// read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

#include "command/rule_set/ruleset.h"

namespace connmark {

// `text` in quotes, on one line that a terminal can show: bytes that it could
// not are escaped, and what is long is shortened.
std::string in_quotes(std::string_view text);

// Throws the Refusal "NAME: line LINE: WHAT".
[[noreturn]] void refuse_line(const std::string &name, std::uint64_t line, const std::string &what);

// Standard input.  A Refusal for `option` where nothing can be read from it, as
// when it was closed or is a folder.
std::istream &standard_input(const std::string &option);

// Takes away again what was added to a ruleset during its life, unless keep()
// was called.
class RulesetAddition {
 public:
  explicit RulesetAddition(Ruleset &ruleset);
  ~RulesetAddition();
  RulesetAddition(const RulesetAddition &) = delete;
  RulesetAddition &operator=(const RulesetAddition &) = delete;

  void keep() { kept_ = true; }

 private:
  Ruleset &ruleset_;
  std::size_t inputs_;
  std::size_t chains_;
  std::size_t rules_;
  std::size_t policy_rules_;
  std::size_t reverse_path_filters_;
  std::size_t not_looked_at_;
  bool has_policy_rules_;
  bool kept_ = false;
};

}  // namespace connmark
