// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/table.h"

#include <fstream>

namespace connmark::test {
namespace {

std::vector<std::string> split(const std::string &line, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : line) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

std::vector<std::string> TableRow::words() const {
  std::vector<std::string> words;
  bool in_word = false;
  bool in_quotes = false;
  for (const char c : options) {
    if (c == ' ' && !in_quotes) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '"') {
      in_quotes = !in_quotes;
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::vector<TableRow> read_table(const std::string &path, std::size_t columns) {
  std::vector<TableRow> rows;
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> parts = split(line, ';');
    TableRow row{number, parts.front(), {}};
    parts.erase(parts.begin());
    if (parts.size() == columns) row.columns = std::move(parts);
    for (std::string &column : row.columns) {
      if (column == "=") column = row.options;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace connmark::test
