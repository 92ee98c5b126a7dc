// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/subcommands/explain.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "command/iptables/rule_words.h"
#include "command/marks/explanation.h"
#include "command/output/json_document.h"
#include "command/output/number_text.h"
#include "command/output/terminal.h"

namespace connmark {
namespace {

struct Arguments {
  std::optional<std::string> packet;
  std::optional<std::string> connection;
  bool json = false;
};

// The match statistic has an option --packet, too.
void refuse_ambiguous_packet(const std::vector<std::string> &words) {
  if (std::find(words.begin(), words.end(), "statistic") == words.end()) return;
  throw Refusal("--packet: is an option of the match statistic as well, give the rule in quotes");
}

std::vector<std::string> rule_of(const std::vector<std::string> &words) {
  return words.size() == 1 ? rule_words(words[0]) : words;
}

void explain(const Arguments &arguments, const std::vector<std::string> &words,
             ExitStatus &status) {
  std::optional<Marks> before;
  if (arguments.packet || arguments.connection) before.emplace();
  if (arguments.packet) {
    refuse_ambiguous_packet(words);
    before->nf = read_mark("--packet", *arguments.packet);
  }
  if (arguments.connection) before->ct = read_mark("--connection", *arguments.connection);

  const RuleText text = read_rule(rule_of(words));
  if (arguments.json) {
    std::cout << json_text(explanation_json(text, before)) << '\n';
  } else {
    std::cout << explanation_text(text, before, wants_colour_on_stdout());
    for (const std::string &warning : text.warnings) std::cerr << printable(warning) << '\n';
  }
  if (!text.warnings.empty()) status = ExitStatus::kFound;
}

}  // namespace

void add_explain(CLI::App &app, ExitStatus &status) {
  CLI::App *subcommand =
      app.add_subcommand("explain", "What a rule of CONNMARK or MARK does to each bit");
  const auto arguments = std::make_shared<Arguments>();
  subcommand->footer("OPTIONS is what follows -j CONNMARK, or a whole rule of CONNMARK or MARK.");
  subcommand->allow_extras();
  subcommand->add_option("--packet", arguments->packet,
                         "Also show the result for this packet mark");
  subcommand->add_option("--connection", arguments->connection,
                         "Also show the result for this connection mark");
  add_json_option(*subcommand, arguments->json);
  subcommand->callback(
      [arguments, subcommand, &status] { explain(*arguments, subcommand->remaining(), status); });
}

}  // namespace connmark
