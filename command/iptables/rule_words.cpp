// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_words.h"

#include "command/refusal.h"

namespace connmark {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

bool split_words(std::string_view line, std::vector<Word> &words, std::string &unquoted) {
  words.clear();
  unquoted.clear();
  unquoted.reserve(line.size());  // else the words would move
  std::size_t i = 0;
  while (true) {
    while (i < line.size() && is_blank(line[i])) ++i;
    if (i == line.size()) return true;
    const std::size_t begin = i;
    while (i < line.size() && !is_blank(line[i]) && line[i] != '"') ++i;
    std::string_view word = line.substr(begin, i - begin);
    if (i < line.size() && line[i] == '"') {
      const std::size_t from = unquoted.size();
      unquoted += word;
      bool is_quoted = false;
      for (; i < line.size() && (is_quoted || !is_blank(line[i])); ++i) {
        if (line[i] == '"') {
          is_quoted = !is_quoted;
        } else {
          if (is_quoted && line[i] == '\\' && i + 1 < line.size()) ++i;
          unquoted += line[i];
        }
      }
      if (is_quoted) return false;
      word = std::string_view(unquoted).substr(from);
    }
    words.push_back({word, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(i)});
  }
}

std::vector<std::string> rule_words(std::string_view line) {
  std::vector<Word> words;
  std::string unquoted;
  if (!split_words(line, words, unquoted)) {
    throw Refusal("rule: \"" + std::string(line) + "\" has a quote that is not closed");
  }
  std::vector<std::string> result;
  for (const Word &word : words) result.emplace_back(word.text);
  return result;
}

std::string rule_line(const std::vector<std::string> &words) {
  std::string line;
  for (const std::string &word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_of(" \t\n\r\"\\") == word.npos) {
      line += word;
      continue;
    }
    line += '"';
    for (const char c : word) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
  }
  return line;
}

}  // namespace connmark
