// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/help.h"

#include "connmark/options.h"
#include "connmark/text_buffer.h"

namespace connmark {
namespace {

constexpr std::size_t kMeaningColumn = 28;

void print(const TextBuffer &text, std::FILE *out) {
  fwrite_unlocked(text.data(), 1, text.size(), out);
}

}  // namespace

void print_help(Revision revision, std::FILE *out) {
  print(TextBuffer{}.add("CONNMARK target options:\n"), out);
  for (const Option &each : kOptions) {
    if (each.role == Role::kShift && revision == Revision::k1) continue;
    TextBuffer line;
    line.add("  ").add(each.syntax);
    while (line.size() < kMeaningColumn) line.add(' ');
    print(line.add(each.meaning).add('\n'), out);
  }
}

}  // namespace connmark
