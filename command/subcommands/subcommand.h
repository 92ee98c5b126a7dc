// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the subcommands have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "command/refusal.h"

namespace connmark {

enum class ExitStatus : int {
  kClean = 0,
  kFound = 1,    // something that the user should look at
  kRefused = 2,  // wrong use or unreadable input
  // Nothing was found, but something that is there could not be read.
  kIncomplete = 3,
};

// A subcommand is a function
//
//     void add_NAME(CLI::App &app, ExitStatus &status);
//
// that adds itself to `app` with a callback, which sets `status` unless it is
// kClean, and throws Refusal.  main() calls each such function once.

// The option --json, which every subcommand has.
inline void add_json_option(CLI::App &subcommand, bool &json) {
  subcommand.add_flag("--json", json, "Print JSON for programs, see connmark(8)");
}

// Refuses words that no option of the subcommand has taken.
inline void refuse_other_words(const CLI::App &subcommand) {
  for (const std::string &word : subcommand.remaining()) {
    throw Refusal(subcommand.get_name() + ": \"" + word + "\" is not an option, see connmark " +
                  subcommand.get_name() + " --help");
  }
}

}  // namespace connmark
