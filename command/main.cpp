// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "command/subcommands/audit.h"
#include "command/subcommands/explain.h"
#include "command/subcommands/flows.h"
#include "command/subcommands/subcommand.h"
#include "command/subcommands/translate.h"

namespace {

using connmark::ExitStatus;

ExitStatus run(int argc, char **argv) {
  ExitStatus status = ExitStatus::kClean;
  CLI::App app("See who owns which bit of the marks of packets and connections.", "connmark");
  app.set_version_flag("--version", "connmark " CONNMARK_VERSION);
  app.require_subcommand(1);
  connmark::add_explain(app, status);
  connmark::add_translate(app, status);
  connmark::add_audit(app, status);
  connmark::add_flows(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // --help and --version come here as well.
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return ExitStatus::kClean;
    }
    std::cerr << "connmark: " << error.what() << ", see connmark --help\n";
    return ExitStatus::kRefused;
  }
  return status;
}

// A stream that was closed would else be the next file that is opened, and be
// read, or written into.
void occupy_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    // The other way round, so that using it fails.
    if (open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream) std::abort();
  }
}

}  // namespace

int main(int argc, char **argv) {
  occupy_closed_streams();
  ExitStatus status = ExitStatus::kRefused;
  try {
    status = run(argc, argv);
    std::cout.flush();
    if (!std::cout) throw connmark::Refusal("standard output: cannot be written");
  } catch (const std::exception &error) {
    std::cerr << "connmark: " << error.what() << '\n';
    status = ExitStatus::kRefused;
  }
  return static_cast<int>(status);
}
