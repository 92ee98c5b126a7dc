// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/connmark_command.h"

namespace connmark::test {

CommandResult run_connmark(const std::vector<std::string> &words, std::string_view input,
                           const std::vector<std::string> &environment) {
  std::vector<std::string> argv{connmark_path()};
  argv.insert(argv.end(), words.begin(), words.end());
  return run(argv, input, environment);
}

std::string connmark_path() { return CONNMARK_COMMAND; }

std::string owners_file() { return CONNMARK_COMMAND_SOURCES "/owners/owners.json"; }

}  // namespace connmark::test
