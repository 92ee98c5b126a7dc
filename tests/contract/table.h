// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads save.txt and translate.txt, which describe themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace connmark::test {

struct TableRow {
  int line = 0;                      // in the file
  std::string options;               // as written
  std::vector<std::string> columns;  // those behind the options, "=" replaced by them

  std::vector<std::string> words() const;  // the options, without their quotes
};

// The rows of a table with `columns` columns behind the options.  A line with
// another number of them yields a row without columns.
std::vector<TableRow> read_table(const std::string &path, std::size_t columns);

}  // namespace connmark::test
