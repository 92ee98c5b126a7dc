// SPDX-License-Identifier: GPL-2.0-or-later
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "command/output/terminal.h"
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
    std::cerr << "connmark: " << connmark::printable(error.what()) << ", see connmark --help\n";
    return ExitStatus::kRefused;
  }
  return status;
}

}  // namespace

int main(int argc, char **argv) {
  connmark::occupy_standard_descriptors();
  const connmark::ShownOutput out(std::cout, connmark::wants_colour_on_stdout());
  const connmark::ShownOutput err(std::cerr, false);
  ExitStatus status = ExitStatus::kRefused;
  try {
    status = run(argc, argv);
    std::cout.flush();
    if (!std::cout) throw connmark::Refusal("standard output: cannot be written");
  } catch (const std::exception &error) {
    std::cerr << "connmark: " << connmark::printable(error.what()) << '\n';
    status = ExitStatus::kRefused;
  }
  return static_cast<int>(status);
}
