// SPDX-License-Identifier: GPL-2.0-or-later
#include "read_options.h"

#include <stdexcept>

#include "support/command.h"

namespace connmark::test {
namespace {

const Option &option_called(std::string_view word) {
  for (const Option &each : kOptions) {
    if (word == std::string("--") + each.name.c_str()) return each;
  }
  throw std::invalid_argument("no option " + std::string(word));
}

void note(const Diagnosis &diagnosis, Reading &reading) {
  if (diagnosis.fault == Fault::kNone) return;
  const std::string text(describe(diagnosis, reading.op).view());
  if (is_error(diagnosis.fault)) {
    reading.error = text;
  } else {
    reading.warnings.push_back(text);
  }
}

}  // namespace

Reading read_options(const std::vector<std::string> &words) {
  Reading reading;
  bool inverted = false;
  for (std::size_t i = 0; i < words.size() && reading.error.empty(); ++i) {
    if (words[i] == "!") {
      inverted = true;
      continue;
    }
    const Option &option = option_called(words[i]);
    const bool takes_argument = option.argument != Argument::kNone;
    const char *argument = takes_argument ? words.at(++i).c_str() : nullptr;
    note(parse_option(option.id, argument, inverted, reading.progress, reading.op), reading);
    inverted = false;
  }
  if (reading.error.empty()) note(parse_end(reading.progress), reading);
  return reading;
}

Reading read_options(std::string_view line) { return read_options(words(line)); }

}  // namespace connmark::test
