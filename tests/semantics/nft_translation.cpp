// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/nft_translation.h"

#include <stdexcept>

#include "semantics/rule_chain.h"
#include "support/command.h"
#include "support/random_rules.h"

namespace connmark::test {

std::map<std::string, std::string> translations(Family family, const std::vector<Operation> &ops) {
  std::string rules = "*mangle\n";
  for (const Operation &op : ops) rules += "-A OUTPUT -j CONNMARK " + options_for(op) + "\n";
  const std::string text =
      output_of({program(family, "restore-translate"), "-f", "/dev/stdin"}, rules + "COMMIT\n");

  constexpr std::string_view kBeforeStatement = " mangle OUTPUT counter ";
  std::map<std::string, std::string> statements;
  auto op = ops.begin();
  for (const std::string &line : lines(text)) {
    if (line.find("-j CONNMARK") != line.npos) throw std::runtime_error("declined: " + line);
    const std::size_t at = line.find(kBeforeStatement);
    if (at == line.npos) continue;
    if (op == ops.end()) throw std::runtime_error("more translations than rules");
    statements[options_for(*op)] = line.substr(at + kBeforeStatement.size());
    ++op;
  }
  if (op != ops.end()) throw std::runtime_error("fewer translations than rules");
  return statements;
}

bool has_two_sources(std::string_view statement) {
  const std::string_view right_side = statement.substr(statement.find(" set ") + 5);
  return right_side.find("ct mark") != right_side.npos &&
         right_side.find("meta mark") != right_side.npos;
}

bool loads_two_sources(const std::vector<std::string> &nft) {
  std::vector<std::string> argv = nft;
  argv.insert(argv.end(), {"-f", "-"});
  const std::string statement = "ct mark set ct mark and 0xffff0000 or meta mark and 0xffff";
  return run(argv, "table ip probe {\nchain probe {\n" + statement + "\n}\n}\n").status == 0;
}

}  // namespace connmark::test
