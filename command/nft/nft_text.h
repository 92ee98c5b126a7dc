// SPDX-License-Identifier: GPL-2.0-or-later
//
// All that is written for nft beside its own words and our numbers.  Rules and
// their texts are other people's, and what iptables writes of them is not
// escaped; only what was checked here becomes part of a command.
//
// nft has no escape: a string ends at the next quote, and names have none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connmark {

// The name of a table, chain, set or meter.
class NftName {
 public:
  // Nothing for what nft does not read as a name: other than letters, digits and
  // /_.- behind a letter, _ or ., or a word of its own language in any of its
  // releases.
  static std::optional<NftName> of(std::string_view text);

  const std::string &text() const { return text_; }

 private:
  explicit NftName(std::string_view text) : text_(text) {}

  std::string text_;
};

// A comment, in quotes, of at most 128 bytes, the most that nft takes.  It does
// nothing to packets, so what nft or a terminal cannot hold is replaced: a quote
// by ', the others as printable() does; and a long one is cut.
std::string nft_comment(std::string_view text);

// A part of a command between blanks or signs.
struct NftToken {
  enum class Kind { kWord, kString, kSign };

  Kind kind = Kind::kWord;
  std::string text;  // of a string: without quotes
  bool blank_before = false;

  bool is(std::string_view word) const { return kind != Kind::kString && text == word; }
};

using NftTokens = std::vector<NftToken>;

// Splits a part of one command.  Nothing for what could end the command, the
// line or the meaning of what follows: a semicolon outside braces, # $ \ ', a
// control character, a quote that is not closed, a string that a terminal cannot
// show, braces that do not close.
std::optional<NftTokens> nft_tokens(std::string_view text);

// The text that nft_tokens() has split, but for repeated blanks.
std::string to_string(const NftTokens &tokens);

}  // namespace connmark
