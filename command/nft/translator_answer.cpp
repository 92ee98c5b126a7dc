// SPDX-License-Identifier: GPL-2.0-or-later
//
// iptables-restore-translate puts words of the rule into quotes, or between its
// own words as they are.  A quote in a word would end the string that it is in,
// and nft knows no escape; an asterisk at the end of a string means any end, and
// a backslash before it takes that away again.  So none of these is taken,
// wherever they stand, but in the comment, which ends the line and is written
// anew.
#include "command/nft/translator_answer.h"

#include <algorithm>

namespace connmark {
namespace {

// iptables-restore reads the rest of a longer line as the next one.
constexpr std::size_t kLongestRule = 4000;
// That of the kernel's NF_CT_HELPER_NAME_LEN and IFNAMSIZ, with the end.
constexpr std::size_t kLongestString = 15;

bool has_only(std::string_view text, std::string_view signs) {
  return std::ranges::all_of(text, [signs](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           signs.find(c) != signs.npos;
  });
}

// Words that are one token of nft, or several without meaning, wherever they are
// put.
bool is_harmless(const std::string &word) { return has_only(word, "_.:/,+!=-"); }

// The option --modprobe names a program that iptables starts.
bool names_a_program(const std::string &word) {
  if (word.starts_with("--")) return word.starts_with("--mod") && !word.starts_with("--mode");
  const std::size_t end = word.find('M');
  return word.starts_with('-') && end != word.npos && has_only(word.substr(1, end), "");
}

bool is_verdict(const NftToken &token) {
  constexpr std::string_view kVerdicts[] = {"accept", "drop",   "return",   "jump",    "goto",
                                            "queue",  "reject", "continue", "counter", "comment"};
  return std::ranges::any_of(kVerdicts, [&](std::string_view word) { return token.is(word); });
}

bool has_names(const NftTokens &tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool is_meter = tokens[i].is("meter");
    if (!is_meter && !tokens[i].is("@")) continue;
    if (i + 2 >= tokens.size() || tokens[i + 1].kind != NftToken::Kind::kWord) return false;
    if (!NftName::of(tokens[i + 1].text)) return false;
    if (is_meter && !tokens[i + 2].is("{")) return false;
  }
  return true;
}

// The interfaces that begin like `word`, as nft writes them.
bool is_wildcard(const std::string &string, const std::string &word) {
  return word.ends_with('+') && string == word.substr(0, word.size() - 1) + "*";
}

class Words {
 public:
  Words(const std::vector<std::string> &words, const std::string &comment) : all_(words) {
    for (const std::string &word : words) {
      if (!is_harmless(word)) to_find_.push_back(word);
    }
    if (!comment.empty()) remove([&](const std::string &word) { return word == comment; });
  }

  bool take_string(const NftToken &token, bool is_helper) {
    const std::string &string = token.text;
    if (string.empty() || string.find('\\') != string.npos) return false;
    const auto is_same = [&](const std::string &word) { return word == string; };
    const auto is_like = [&](const std::string &word) { return is_wildcard(string, word); };
    if (string.find('*') != string.npos) {
      if (is_helper || std::ranges::none_of(all_, is_like)) return false;
      remove(is_like);
      return true;
    }
    if (is_helper && string.size() > kLongestString) return false;
    // What is no word is a time.
    return remove(is_same) || std::ranges::any_of(all_, is_same) || has_only(string, "_.:/ -");
  }

  bool are_all_found() const { return to_find_.empty(); }

 private:
  template <typename Predicate>
  bool remove(Predicate predicate) {
    const auto found = std::ranges::find_if(to_find_, predicate);
    if (found == to_find_.end()) return false;
    to_find_.erase(found);
    return true;
  }

  const std::vector<std::string> &all_;
  std::vector<std::string> to_find_;
};

std::optional<std::string> comment_in(std::string_view behind) {
  constexpr std::string_view kBefore = " comment \"";
  if (behind.empty()) return "";
  if (!behind.starts_with(kBefore) || !behind.ends_with('"') || behind.size() == kBefore.size()) {
    return std::nullopt;
  }
  return std::string(behind.substr(kBefore.size(), behind.size() - kBefore.size() - 1));
}

}  // namespace

bool can_be_asked(const std::vector<std::string> &words) {
  std::size_t size = 0;
  for (const std::string &word : words) {
    // As much as rule_line() can make of it.
    size += 2 * word.size() + 3;
    const bool has_line_end = word.find_first_of(std::string_view("\0\n\r", 3)) != word.npos;
    if (has_line_end || names_a_program(word)) return false;
  }
  return size <= kLongestRule;
}

bool add_rule(std::string_view matches, std::string_view behind,
              const std::vector<std::string> &words, NftMatches &result) {
  const auto comment = comment_in(behind);
  auto tokens = nft_tokens(matches);
  if (!comment || !tokens) return false;
  if (std::ranges::any_of(*tokens, is_verdict) || !has_names(*tokens)) return false;
  if (std::ranges::any_of(*tokens, [](const NftToken &each) { return each.is(";"); })) return false;
  Words left(words, *comment);
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const NftToken &token = (*tokens)[i];
    if (token.kind != NftToken::Kind::kString) continue;
    if (!left.take_string(token, i > 0 && (*tokens)[i - 1].is("helper"))) return false;
  }
  if (!left.are_all_found()) return false;
  result.rules.push_back(std::move(*tokens));
  result.comment = *comment;
  return true;
}

std::optional<NftSet> read_set(std::string_view line) {
  auto tokens = nft_tokens(line);
  if (!tokens || tokens->size() < 3 || !(*tokens)[1].is("{")) return std::nullopt;
  // The brace that closes the definition is the last word.
  const auto closed =
      std::ranges::find_if(*tokens, [](const NftToken &each) { return each.is("}"); });
  if (closed + 1 != tokens->end()) return std::nullopt;
  const auto name = NftName::of((*tokens)[0].text);
  if (!name || (*tokens)[0].kind != NftToken::Kind::kWord) return std::nullopt;
  return NftSet{*name, NftTokens(tokens->begin() + 1, tokens->end())};
}

}  // namespace connmark
