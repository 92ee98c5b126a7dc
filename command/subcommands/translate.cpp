// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/subcommands/translate.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "command/iptables/rule_text.h"
#include "command/iptables/rule_words.h"
#include "command/nft/nft_rules.h"
#include "command/nft/translated_rules.h"
#include "command/output/json_document.h"
#include "command/output/terminal.h"
#include "command/read_files/refused_input.h"

namespace connmark {
namespace {

struct Arguments {
  std::optional<std::string> nft_version;
  bool ipv6 = false;
  bool json = false;
};

// Without --nft-version this machine's nft, as far as its kernel goes along; a
// machine without nft gets what the youngest takes.
Release nft_to_write_for(const std::optional<std::string> &given) {
  if (given) {
    const auto release = release_at_start(*given);
    if (release) return *release;
    throw Refusal("--nft-version: \"" + *given + "\" is not a release, give one like 1.0.6");
  }
  const Release nft = installed_nft().value_or(kNftWithTwoSources);
  const Release kernel = running_linux().value_or(kLinuxWithTwoSources);
  constexpr Release kNftWithOneSource{1, 1, 1};
  return kernel < kLinuxWithTwoSources ? std::min(nft, kNftWithOneSource) : nft;
}

Json json_of(const TranslatedRule &rule) {
  Json json;
  if (rule.line != 0) json = {{"line", rule.line}, {"table", rule.table}, {"chain", rule.chain}};
  json["rule"] = rule.rule;
  json["complete"] = rule.complete;
  json["reason"] = rule.complete ? Json() : Json(rule.reason);
  json["nft"] = rule.nft;
  json["warnings"] = rule.warnings;
  return json;
}

void print_text(const std::vector<TranslatedRule> &rules) {
  if (rules.empty()) std::cout << "# no rule of CONNMARK or MARK\n";
  for (const TranslatedRule &rule : rules) {
    std::cout << "# " << printable(rule.rule) << '\n';
    if (!rule.complete) std::cout << "# not translated: " << rule.reason << "; the packets get:\n";
    for (const std::string &line : rule.nft) {
      std::cout << (rule.complete ? "" : "#   ") << line << '\n';
    }
  }
}

void print(const std::vector<TranslatedRule> &rules, const Release &nft, const Arguments &arguments,
           ExitStatus &status) {
  Json json = json_document("translate");
  json["nft"] = to_string(nft);
  json["rules"] = Json::array();
  for (const TranslatedRule &rule : rules) {
    json["rules"].push_back(json_of(rule));
    if (!rule.complete || !rule.warnings.empty()) status = ExitStatus::kFound;
  }
  if (arguments.json) {
    std::cout << json_text(json) << '\n';
    return;
  }
  std::cout << "# for nft " << to_string(nft) << '\n';
  print_text(rules);
  for (const TranslatedRule &rule : rules) {
    for (const std::string &warning : rule.warnings) std::cerr << printable(warning) << '\n';
  }
}

SavedRules as_given(SavedRules saved, const Arguments &arguments) {
  if (arguments.ipv6) {
    for (SavedRule &rule : saved.rules) rule.ipv6 = true;
  }
  return saved;
}

// What follows -j CONNMARK: rules without a chain.
TranslatedRule options_only(const RuleText &text, const std::vector<std::string> &words,
                            const Release &nft) {
  TranslatedRule rule;
  rule.rule = rule_line(words);
  rule.nft = nft_rules(text.rule, nft);
  rule.warnings = text.warnings;
  return rule;
}

void translate_words(const std::vector<std::string> &words, const Release &nft,
                     const Arguments &arguments, ExitStatus &status) {
  const RuleText text = read_rule(words);
  if (text.rest.empty()) {
    print({options_only(text, words, nft)}, nft, arguments, status);
  } else {
    SavedRules saved;
    saved.rules.push_back(saved_rule(words));
    print(translated_rules(as_given(std::move(saved), arguments), nft), nft, arguments, status);
  }
}

void translate_input(const Release &nft, const Arguments &arguments, ExitStatus &status) {
  if (isatty(STDIN_FILENO) == 1) {
    throw Refusal("translate: no rule, give OPTIONS, or an iptables-save text on standard input");
  }
  SavedRules saved = read_saved_rules(standard_input("translate"), "standard input");
  print(translated_rules(as_given(std::move(saved), arguments), nft), nft, arguments, status);
}

}  // namespace

void add_translate(CLI::App &app, ExitStatus &status) {
  CLI::App *subcommand =
      app.add_subcommand("translate", "Rules of CONNMARK and MARK in nft, exact on that nft");
  const auto arguments = std::make_shared<Arguments>();
  subcommand->footer(
      "OPTIONS is what follows -j CONNMARK, or a whole rule of CONNMARK or MARK.\n"
      "Without OPTIONS, an iptables-save text is read from standard input.");
  subcommand->allow_extras();
  subcommand->add_option("--nft-version", arguments->nft_version,
                         "The nft to write for, as 1.0.6 (default: this machine's)");
  subcommand->add_flag("--ipv6", arguments->ipv6, "The rules are ip6tables'");
  add_json_option(*subcommand, arguments->json);
  subcommand->callback([arguments, subcommand, &status] {
    const Release nft = nft_to_write_for(arguments->nft_version);
    const std::vector<std::string> given = subcommand->remaining();
    if (given.empty()) {
      translate_input(nft, *arguments, status);
    } else {
      translate_words(given.size() == 1 ? rule_words(given[0]) : given, nft, *arguments, status);
    }
  });
}

}  // namespace connmark
