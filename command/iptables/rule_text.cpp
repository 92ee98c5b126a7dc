// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_text.h"

#include <algorithm>

#include "command/refusal.h"
#include "connmark/parse.h"

namespace connmark {
namespace {

// MARK has CONNMARK's set operations, and nothing else.
bool has_option(Target target, const Option &option) {
  return target == Target::kConnmark || option.role == Role::kSetOperation;
}

std::string options_of(Target target) {
  std::string names;
  for (const Option &each : kOptions) {
    if (!has_option(target, each)) continue;
    names += (names.empty() ? "--" : ", --") + std::string(each.name);
  }
  return names;
}

Target known_target(const RulePart &target) {
  for (const Target each : {Target::kConnmark, Target::kMark}) {
    if (!target.is_goto && target.name == name(each)) return each;
  }
  throw Refusal(std::string(target.is_goto ? "-g: \"" : "-j: \"") + std::string(target.name) +
                "\" does not write marks, give " + (target.is_goto ? "-j " : "") +
                "CONNMARK or MARK");
}

// The plugin's words, under the name of the target at hand.
std::string line_for(Target target, const Diagnosis &diagnosis, const Operation &op) {
  if (target == Target::kConnmark) return std::string(describe(diagnosis, op).view());
  if (diagnosis.fault == Fault::kNoOperation) {
    return "MARK: no operation, give one of " + options_of(target);
  }
  constexpr std::string_view kPluginName = "CONNMARK";
  return name(target) + std::string(describe(diagnosis, op).view().substr(kPluginName.size()));
}

const Option &option_named(std::string_view name) {
  return *std::ranges::find_if(
      kOptions, [name](const Option &each) { return std::string_view(each.name) == name; });
}

[[noreturn]] void refuse_word(Target target, std::string_view word) {
  throw Refusal(std::string(name(target)) + ": \"" + std::string(word) +
                "\" is not an option of the target, give " + options_of(target));
}

[[noreturn]] void refuse(const RuleSyntax &syntax) {
  const bool is_jump = syntax.fault_word.starts_with("-j") || syntax.fault_word == "--jump";
  if (syntax.fault == RuleFault::kNoValue && syntax.fault_part == kNoPart && is_jump) {
    throw Refusal(std::string(syntax.fault_word) + ": no target, give CONNMARK or MARK");
  }
  const RulePart *const target = syntax.target_part();
  const bool is_ours = target != nullptr && !target->is_goto &&
                       (target->name == name(Target::kConnmark) || target->name == "MARK");
  if (!is_ours) throw Refusal(fault_text(syntax));
  const Target ours = known_target(*target);
  if (syntax.fault == RuleFault::kNoValue && syntax.fault_part == syntax.target) {
    const Option &option = option_named(syntax.fault_word);
    std::string_view usage = option.syntax;
    usage.remove_prefix(usage.find_first_not_of(' '));
    throw Refusal(std::string(name(ours)) + ": --" + option.name.c_str() + ": no value, give " +
                  std::string(usage));
  }
  const bool is_word = syntax.fault == RuleFault::kUnknownOption ||
                       syntax.fault == RuleFault::kStrayWord ||
                       syntax.fault == RuleFault::kInversion;
  if (is_word && syntax.parts.size() == 1) refuse_word(ours, syntax.fault_word);
  throw Refusal(fault_text(syntax));
}

std::vector<Word> words_of(const std::vector<std::string> &words, std::size_t first) {
  std::vector<Word> result;
  for (std::size_t i = first; i < words.size(); ++i) result.push_back({words[i]});
  return result;
}

// "sudo ip6tables": how many words stand before the first option or "!".
std::size_t program_words(const std::vector<std::string> &words) {
  const auto first = std::ranges::find_if(
      words, [](const std::string &word) { return word.starts_with('-') || word == "!"; });
  const auto count = static_cast<std::size_t>(first - words.begin());
  if (count == 0 || words[count - 1].find("tables") == std::string::npos) return 0;
  return count;
}

// Whether what is not known can be of the rule's matches alone: it stands before the
// target, or behind a match that follows it.
bool is_of_matches(const RuleSyntax &syntax) {
  if (syntax.fault == RuleFault::kUnknownMatch) return true;
  if (syntax.fault != RuleFault::kUnknownOption && syntax.fault != RuleFault::kStrayWord) {
    return false;
  }
  const OptionWords *const jump = syntax.find(OwnOption::kJump);
  if (jump == nullptr) return false;
  return syntax.fault_at <= jump->first ||
         std::ranges::any_of(syntax.options, [&](const OptionWords &each) {
           return each.own == OwnOption::kMatch && each.first > jump->first &&
                  each.first < syntax.fault_at;
         });
}

// The command and its chain, then all words but the target's, as they stand.
std::vector<std::string> words_beside_target(const RuleSyntax &syntax,
                                             std::span<const Word> words) {
  std::vector<std::string> rest;
  std::vector<bool> is_placed(words.size(), false);
  for (const OptionWords &each : syntax.options) {
    if (is_command(each.own)) append_option(each, rest);
    if (!is_command(each.own) && (each.part != syntax.target || each.part == kNoPart)) continue;
    for (std::uint32_t i = each.first; i < each.end; ++i) is_placed[i] = true;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!is_placed[i]) rest.emplace_back(words[i].text);
  }
  return rest;
}

}  // namespace

std::string target_of(const std::vector<std::string> &words) {
  RuleSyntax syntax;
  const std::vector<Word> views = words_of(words, program_words(words));
  read_rule_syntax(views, {}, syntax);
  const RulePart *const target = syntax.target_part();
  return target == nullptr || target->is_goto ? std::string() : std::string(target->name);
}

MarkRule mark_rule_of(const RuleSyntax &syntax, std::vector<std::string> &warnings) {
  MarkRule rule;
  rule.target = known_target(*syntax.target_part());
  Progress progress;
  const auto report = [&](const Diagnosis &diagnosis) {
    if (diagnosis.fault == Fault::kNone) return;
    std::string line = line_for(rule.target, diagnosis, rule.op);
    if (is_error(diagnosis.fault)) throw Refusal(line);
    warnings.push_back(std::move(line));
  };
  for (const OptionWords &each : syntax.options) {
    if (each.part != syntax.target || each.own != OwnOption::kNone) continue;
    const std::string value(each.value);
    report(
        parse_option(option_named(each.name).id, value.c_str(), each.inverted, progress, rule.op));
  }
  report(parse_end(progress));
  rule.op = canonical(rule.op);
  return rule;
}

RuleText read_rule(const std::vector<std::string> &words) {
  RuleText result;
  const std::size_t program = program_words(words);
  if (program != 0 && words[program - 1].find("ip6tables") != std::string::npos) {
    result.family = Family::kIpv6;
  }
  const std::vector<Word> views = words_of(words, program);
  RuleContext context;
  context.family = result.family.value_or(Family::kIpv4);
  context.begins_with_connmark = true;
  RuleSyntax syntax;
  read_rule_syntax(views, context, syntax);
  if (!syntax.is_whole() && !is_of_matches(syntax)) refuse(syntax);
  result.rule = mark_rule_of(syntax, result.warnings);
  for (const OptionWords &each : syntax.options) {
    if (is_command(each.own)) {
      if (each.own == OwnOption::kOtherCommand) {
        throw Refusal("--" + std::string(each.name) + ": is not of a rule, leave it out");
      }
      result.command = each.own;
      result.chain = each.value;
    }
    if (each.own == OwnOption::kTable) result.table = std::string(each.value);
    if (each.own == OwnOption::kIpv4) result.family = Family::kIpv4;
    if (each.own == OwnOption::kIpv6) result.family = Family::kIpv6;
  }
  OrderedWords ordered = words_in_order(syntax);
  result.rest = syntax.is_whole() ? std::move(ordered.matches) : words_beside_target(syntax, views);
  if (syntax.find(OwnOption::kJump) == nullptr) result.target = {"-j", "CONNMARK"};
  result.target.insert(result.target.end(), ordered.target.begin(), ordered.target.end());
  return result;
}

}  // namespace connmark
