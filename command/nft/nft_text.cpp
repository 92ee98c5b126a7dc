// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/nft_text.h"

#include <algorithm>

#include "command/nft/nft_words.h"
#include "command/output/terminal.h"

namespace connmark {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestComment = 128;
constexpr std::string_view kSigns = "{}()<>=!&|^@,;";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_of_word(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("_.:/+-").find(c) != std::string_view::npos;
}

// Where the token at the beginning of `text` ends, and its kind.
std::optional<NftToken> first_token(std::string_view text, std::size_t &size) {
  if (text[0] == '"') {
    const std::size_t end = text.find('"', 1);
    if (end == text.npos) return std::nullopt;
    const std::string_view string = text.substr(1, end - 1);
    if (printable(string) != string) return std::nullopt;
    size = end + 1;
    return NftToken{NftToken::Kind::kString, std::string(string)};
  }
  if (kSigns.find(text[0]) != kSigns.npos) {
    size = 1;
    return NftToken{NftToken::Kind::kSign, std::string(text.substr(0, 1))};
  }
  size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_of_word) - text.begin());
  if (size == 0) return std::nullopt;
  return NftToken{NftToken::Kind::kWord, std::string(text.substr(0, size))};
}

}  // namespace

std::optional<NftName> NftName::of(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return std::nullopt;
  if (!is_letter(text[0]) && text[0] != '_' && text[0] != '.') return std::nullopt;
  const bool is_name = std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("/_.-").find(c) != std::string_view::npos;
  });
  if (!is_name || is_word_of_nft(text)) return std::nullopt;
  return NftName(text);
}

std::string nft_comment(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    // A character, to be kept whole where the comment is cut.
    std::size_t size = 1;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
    const std::string next = text[0] == '"' ? "'" : printable(text.substr(0, size));
    if (shown.size() + next.size() > kLongestComment) break;
    shown += next;
    text.remove_prefix(text[0] == '"' ? 1 : size);
  }
  return "\"" + shown + "\"";
}

std::optional<NftTokens> nft_tokens(std::string_view text) {
  NftTokens tokens;
  bool blank_before = false;
  int braces = 0;
  while (!text.empty()) {
    if (text[0] == ' ') {
      blank_before = true;
      text.remove_prefix(1);
      continue;
    }
    std::size_t size = 0;
    auto token = first_token(text, size);
    if (!token) return std::nullopt;
    text.remove_prefix(size);
    if (token->is("{")) ++braces;
    if (token->is("}")) --braces;
    if (braces < 0 || (token->is(";") && braces == 0)) return std::nullopt;
    token->blank_before = blank_before;
    blank_before = false;
    tokens.push_back(std::move(*token));
  }
  if (braces != 0) return std::nullopt;
  return tokens;
}

std::string to_string(const NftTokens &tokens) {
  std::string text;
  for (const NftToken &token : tokens) {
    if (token.blank_before && !text.empty()) text += ' ';
    text += token.kind == NftToken::Kind::kString ? "\"" + token.text + "\"" : token.text;
  }
  return text;
}

}  // namespace connmark
