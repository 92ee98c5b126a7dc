// SPDX-License-Identifier: GPL-2.0-or-later
//
// What nft makes of the text of a mark statement.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "differential/kernel_rule.h"

namespace connmark::test {

// "ct mark set EXPRESSION" or "meta mark set EXPRESSION".  As in nft's grammar
// (parser_bison.y), an operator binds the tighter the further up it stands, and
// equals group from the left:
//
//   <<  >>      lshift  rshift
//   &           and
//   ^           xor
//   |           or
//
// Operands are numbers, "ct mark", "meta mark", "mark" and parentheses.
class NftStatement {
 public:
  // Nothing for text that is no such statement, and for what nft refuses: a
  // shift by 0, by 32 or more, by a mark, or of a constant.
  static std::optional<NftStatement> parse(std::string_view text);

  MarkPair marks_after(MarkPair marks) const;

  // The packet's mark after it, for a packet without a connection: nft ends the
  // statement where it asks for one, and writes no mark of none.
  std::uint32_t packet_mark_without_connection(std::uint32_t mark) const;

  // For all marks, and without a connection, for which CONNMARK does nothing.
  bool does_the_same_as(const KernelRule &rule) const;

 private:
  friend class NftParser;

  enum class Code { kNumber, kCtMark, kMetaMark, kAnd, kXor, kOr, kLeftShift, kRightShift };

  // Reverse Polish: operands before their operator.
  struct Step {
    Code code;
    std::uint32_t number = 0;
  };

  bool sets_ct_mark_ = false;
  bool asks_for_connection_ = false;  // by a match, or by reading its mark
  std::vector<Step> steps_;
};

}  // namespace connmark::test
