// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/debian_root.h"

#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

const std::string kScripts = CONNMARK_ROOT_SCRIPTS;
constexpr int kSkipped = 77;

}  // namespace

DebianRoot make_debian_root(const std::string &suite) {
  const CommandResult result = run({kScripts + "/make-root", suite});
  std::string text = result.out.substr(0, result.out.find('\n'));
  if (result.status == 0) return {.path = text, .skipped = {}, .failed = {}};
  if (result.status == kSkipped) return {.path = {}, .skipped = text, .failed = {}};
  return {.path = {}, .skipped = {}, .failed = result.err};
}

std::vector<std::string> in_root(const DebianRoot &root, const std::vector<std::string> &argv) {
  std::vector<std::string> command{kScripts + "/in-root", "--plugin", plugin_folder(), root.path};
  command.insert(command.end(), argv.begin(), argv.end());
  return command;
}

}  // namespace connmark::test
