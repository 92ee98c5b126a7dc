// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/subcommands/audit.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "command/output/terminal.h"
#include "command/owners/owners.h"
#include "command/read_files/iptables_save_reader.h"
#include "command/read_files/nft_json_reader.h"
#include "command/read_files/policy_rules_reader.h"
#include "command/read_files/refused_input.h"
#include "command/read_files/sysctl_reader.h"
#include "command/read_kernel/live_ruleset.h"
#include "command/report/audit_ruleset.h"
#include "command/report/findings_text.h"
#include "command/report/mark_map.h"
#include "command/report/pairs_text.h"
#include "command/report/sources.h"

namespace connmark {
namespace {

struct Arguments {
  std::vector<std::string> iptables;
  std::vector<std::string> nft;
  std::vector<std::string> rules;
  std::optional<std::string> sysctl;
  std::vector<std::string> owners;
  std::optional<std::string> owners_file;
  bool strict = false;
  bool translations = false;
  bool json = false;
};

using Reader = void (*)(std::istream &, const std::string &, Ruleset &);

class Inputs {
 public:
  void read(const std::string &option, const std::string &file, Reader reader) {
    if (file == "-") {
      if (stdin_is_read_) throw Refusal(option + ": \"-\" is given twice, give it once");
      stdin_is_read_ = true;
      reader(standard_input(option), "standard input", ruleset_);
      return;
    }
    std::ifstream in(file, std::ios::binary);
    // A folder can be opened, and fails when it is read.
    if (!in || (in.peek(), in.bad())) {
      throw Refusal(option + ": " + in_quotes(file) + " cannot be read");
    }
    in.clear();
    reader(in, file, ruleset_);
  }

  void leave_out(const std::string &option, const char *what) {
    ruleset_.not_looked_at.push_back(
        {.name = what, .gap = Gap::kNotGiven, .why = "give it with " + option});
  }

  Ruleset take() { return std::move(ruleset_); }

 private:
  Ruleset ruleset_;
  bool stdin_is_read_ = false;
};

Ruleset read_inputs(const Arguments &arguments) {
  const bool has_files = !arguments.iptables.empty() || !arguments.nft.empty() ||
                         !arguments.rules.empty() || arguments.sysctl;
  if (!has_files) return read_running_kernel();
  Inputs inputs;
  const auto read = [&inputs](const std::string &option, const std::vector<std::string> &files,
                              Reader reader, const char *what) {
    for (const std::string &file : files) inputs.read(option, file, reader);
    if (files.empty()) inputs.leave_out(option, what);
  };
  read("--iptables", arguments.iptables, read_iptables_save, "rules of iptables");
  read("--nft", arguments.nft, read_nft_json, "rules of nft");
  read("--rules", arguments.rules, read_policy_rules, "rules of ip rule");
  std::vector<std::string> sysctl;
  if (arguments.sysctl) sysctl.push_back(*arguments.sysctl);
  read("--sysctl", sysctl, read_sysctls, "the reverse-path check");
  return inputs.take();
}

std::vector<Owner> owners_for(const Arguments &arguments) {
  std::vector<Owner> owners;
  for (const std::string &each : arguments.owners) owners.push_back(rules_named_by_user(each));
  const std::filesystem::path file = arguments.owners_file
                                         ? std::filesystem::path(*arguments.owners_file)
                                         : installed_owners_file();
  if (!arguments.owners_file && !std::filesystem::exists(file)) {
    std::cerr << "connmark: audit: " << file.string()
              << " is not there, so no known software is named\n";
    return owners;
  }
  const std::vector<Owner> known = read_owners(file);
  owners.insert(owners.end(), known.begin(), known.end());
  return owners;
}

Json document(const AuditedRuleset &audited) {
  const std::vector<Finding> &findings = audited.findings();
  Json json = json_document("audit");
  add_sources(audited.analysis().ruleset, json);
  json["inputs"] = Json::array();
  for (const Input &input : audited.analysis().ruleset.inputs) {
    if (!input.is_sysctls) json["inputs"].push_back({{"name", input.name}, {"nft", input.is_nft}});
  }
  json["owners"] = mark_map_json(audited.analysis());
  json["findings"] = findings_json(audited.analysis(), findings);
  add_pairs(json, audited.analysis());
  json["problems"] = std::ranges::count(findings, Severity::kProblem, &Finding::severity);
  json["hints"] = std::ranges::count(findings, Severity::kHint, &Finding::severity);
  return json;
}

void print(const AuditedRuleset &audited, bool json) {
  if (json) {
    std::cout << json_text(document(audited)) << '\n';
    return;
  }
  const bool with_colour = wants_colour_on_stdout();
  std::cout << sources_text(audited.analysis().ruleset) << '\n'
            << mark_map_text(audited.analysis(), with_colour) << '\n'
            << findings_text(audited.analysis(), audited.findings(), with_colour)
            << pairs_text(audited.analysis(), with_colour)
            << summary_text(audited.analysis(), audited.findings());
}

ExitStatus audit(const Arguments &arguments) {
  const std::vector<Owner> owners = owners_for(arguments);
  const AuditedRuleset audited(read_inputs(arguments), owners, arguments.translations);
  print(audited, arguments.json);
  const bool found = std::ranges::any_of(audited.findings(), [&](const Finding &finding) {
    return arguments.strict || finding.severity == Severity::kProblem;
  });
  if (found) return ExitStatus::kFound;
  return is_incomplete(audited.analysis().ruleset) ? ExitStatus::kIncomplete : ExitStatus::kClean;
}

}  // namespace

void add_audit(CLI::App &app, ExitStatus &status) {
  CLI::App *subcommand =
      app.add_subcommand("audit", "Who uses which bits, and where they get in each other's way");
  const auto arguments = std::make_shared<Arguments>();
  subcommand->footer(
      "Without files, the rules of the running kernel are read; - is standard input.\n"
      "What is found is explained in connmark(8).");
  subcommand->allow_extras();
  const auto add_files = [subcommand](const char *option, std::vector<std::string> &files,
                                      const char *help) {
    subcommand->add_option(option, files, help)
        ->expected(1, CLI::detail::expected_max_vector_size)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_files("--iptables", arguments->iptables, "What iptables-save or ip6tables-save prints");
  add_files("--nft", arguments->nft, "What nft -j list ruleset prints");
  add_files("--rules", arguments->rules, "What ip -j rule or ip -j -6 rule prints");
  subcommand->add_option("--sysctl", arguments->sysctl, "What sysctl -a prints");
  subcommand
      ->add_option("--owner", arguments->owners,
                   "NAME=PATTERN: rules in chains or with comments like this are NAME's;"
                   " or NAME=MASK: these bits are (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  subcommand->add_option("--owners", arguments->owners_file,
                         "Another list of known software than the installed one");
  subcommand->add_flag("--strict", arguments->strict, "Exit with 1 for hints as well");
  subcommand->add_flag("--translations", arguments->translations,
                       "Look for rules that iptables' own plugin translates inexactly");
  add_json_option(*subcommand, arguments->json);
  subcommand->callback([arguments, subcommand, &status] {
    refuse_other_words(*subcommand);
    status = audit(*arguments);
  });
}

}  // namespace connmark
