// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_text.h"

#include <getopt.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "command/refusal.h"
#include "connmark/parse.h"

namespace connmark {
namespace {

// The parts of a rule that iptables itself reads.  The long names are here for
// getopt_long, which refuses an abbreviation that fits two names.
constexpr const char *kShortOptions = "-:A:C:D:R:I:t:o:p:s:d:j:i:m:c:g:w::W::fvnx46";
constexpr int kNotOurs = 1000;
constexpr int kMatch = kNotOurs + 1;
constexpr int kJump = kNotOurs + 2;
// Added to an OptionId: getopt_long answers 1 for a word that is no option, and
// a letter for a short one.
constexpr int kTargetOption = kNotOurs + 3;

constexpr ::option kIptablesOptions[] = {
    {"append", required_argument, nullptr, kNotOurs},
    {"delete", required_argument, nullptr, kNotOurs},
    {"check", required_argument, nullptr, kNotOurs},
    {"insert", required_argument, nullptr, kNotOurs},
    {"replace", required_argument, nullptr, kNotOurs},
    {"list", optional_argument, nullptr, kNotOurs},
    {"list-rules", optional_argument, nullptr, kNotOurs},
    {"flush", optional_argument, nullptr, kNotOurs},
    {"zero", optional_argument, nullptr, kNotOurs},
    {"new-chain", required_argument, nullptr, kNotOurs},
    {"delete-chain", optional_argument, nullptr, kNotOurs},
    {"rename-chain", required_argument, nullptr, kNotOurs},
    {"policy", required_argument, nullptr, kNotOurs},
    {"source", required_argument, nullptr, kNotOurs},
    {"src", required_argument, nullptr, kNotOurs},
    {"destination", required_argument, nullptr, kNotOurs},
    {"dst", required_argument, nullptr, kNotOurs},
    {"protocol", required_argument, nullptr, kNotOurs},
    {"proto", required_argument, nullptr, kNotOurs},
    {"in-interface", required_argument, nullptr, kNotOurs},
    {"out-interface", required_argument, nullptr, kNotOurs},
    {"jump", required_argument, nullptr, kJump},
    {"goto", required_argument, nullptr, kNotOurs},
    {"table", required_argument, nullptr, kNotOurs},
    {"match", required_argument, nullptr, kMatch},
    {"numeric", no_argument, nullptr, kNotOurs},
    {"fragments", no_argument, nullptr, kNotOurs},
    {"verbose", no_argument, nullptr, kNotOurs},
    {"wait", optional_argument, nullptr, kNotOurs},
    {"wait-interval", optional_argument, nullptr, kNotOurs},
    {"exact", no_argument, nullptr, kNotOurs},
    {"version", no_argument, nullptr, kNotOurs},
    {"help", optional_argument, nullptr, kNotOurs},
    {"line-numbers", no_argument, nullptr, kNotOurs},
    {"modprobe", required_argument, nullptr, kNotOurs},
    {"set-counters", required_argument, nullptr, kNotOurs},
    {"ipv4", no_argument, nullptr, kNotOurs},
    {"ipv6", no_argument, nullptr, kNotOurs},
};

// MARK has CONNMARK's set operations, and nothing else.
bool has_option(Target target, const Option &option) {
  return target == Target::kConnmark || option.role == Role::kSetOperation;
}

std::vector<::option> getopt_table(Target target) {
  std::vector<::option> table(std::begin(kIptablesOptions), std::end(kIptablesOptions));
  for (const Option &each : kOptions) {
    if (!has_option(target, each)) continue;
    table.push_back({each.name.c_str(),
                     each.argument == Argument::kNone ? no_argument : required_argument, nullptr,
                     kTargetOption + static_cast<int>(each.id)});
  }
  table.push_back({});
  return table;
}

struct Jump {
  std::size_t at;   // the first word of -j
  std::size_t end;  // the first word behind the target's name
  std::string target;
};

std::optional<Jump> find_jump(const std::vector<std::string> &words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (word == "-j" || word == "--jump") {
      if (i + 1 == words.size()) throw Refusal(word + ": no target, give CONNMARK or MARK");
      return Jump{i, i + 2, words[i + 1]};
    }
    if (word.starts_with("--jump=")) return Jump{i, i + 1, word.substr(std::strlen("--jump="))};
    if (word.starts_with("-j") && word.size() > 2) return Jump{i, i + 1, word.substr(2)};
  }
  return std::nullopt;
}

Target known_target(const std::string &target) {
  for (const Target each : {Target::kConnmark, Target::kMark}) {
    if (target == name(each)) return each;
  }
  throw Refusal("-j: \"" + target + "\" does not write marks, give CONNMARK or MARK");
}

// The plugin's words, under the name of the target at hand.
std::string line_for(Target target, const Diagnosis &diagnosis, const Operation &op) {
  if (target == Target::kConnmark) return std::string(describe(diagnosis, op).view());
  if (diagnosis.fault == Fault::kNoOperation) {
    std::string line = "MARK: no operation, give one of ";
    std::string separator;
    for (const Option &each : kOptions) {
      if (!has_option(target, each)) continue;
      line += separator + "--" + each.name.c_str();
      separator = ", ";
    }
    return line;
  }
  constexpr std::string_view kPluginName = "CONNMARK";
  return name(target) + std::string(describe(diagnosis, op).view().substr(kPluginName.size()));
}

// Walks the words behind the target's name as iptables would.
class TargetWords {
 public:
  TargetWords(Target target, RuleText &result)
      : target_(target), result_(result), table_(getopt_table(target)) {}

  void read(std::vector<std::string> words) {
    std::string program = "iptables";
    std::vector<char *> argv{program.data()};
    for (std::string &word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int count = static_cast<int>(argv.size()) - 1;
    optind = 0;  // makes getopt_long forget the last command line
    opterr = 0;
    int c;
    while (true) {
      const int from = std::max(optind, 1);
      c = getopt_long(count, argv.data(), kShortOptions, table_.data(), nullptr);
      if (c == -1) break;
      take(c, {argv.begin() + from, argv.begin() + optind});
    }
    if (optind < count) refuse_word(argv[static_cast<std::size_t>(optind)]);
    if (inverted_) refuse_word("!");
    report(parse_end(progress_));
  }

 private:
  void take(int c, const std::vector<std::string> &words) {
    if (c >= kTargetOption) {
      take_option(static_cast<OptionId>(c - kTargetOption));
      return;
    }
    const std::string word = words.empty() ? std::string(1, static_cast<char>(optopt)) : words[0];
    switch (c) {
      case '?':
        if (!in_match_) refuse_word(word);
        keep(words);
        break;
      case ':':
        refuse_missing_argument(word);
      case 1:
        if (word == "!" && !inverted_) {
          inverted_ = true;
        } else if (behind_iptables_option_) {
          keep(words);
        } else {
          refuse_word(word);
        }
        break;
      case kJump:
      case 'j':
        throw Refusal("-j: given twice, give it once");
      default:
        if (c == 'm' || c == kMatch) in_match_ = true;
        keep(words);
    }
  }

  void take_option(OptionId id) {
    if (in_match_) {
      throw Refusal(std::string(name(target_)) + ": --" + option(id).name.c_str() +
                    " stands behind a match, which may have an option of that name; write it"
                    " directly behind -j " +
                    name(target_));
    }
    report(parse_option(id, optarg, inverted_, progress_, result_.rule.op));
    inverted_ = false;
    behind_iptables_option_ = false;
  }

  // For words that are not the target's.
  void keep(const std::vector<std::string> &words) {
    if (inverted_) result_.rest.emplace_back("!");
    inverted_ = false;
    behind_iptables_option_ = true;
    result_.rest.insert(result_.rest.end(), words.begin(), words.end());
  }

  void report(const Diagnosis &diagnosis) {
    if (diagnosis.fault == Fault::kNone) return;
    const std::string line = line_for(target_, diagnosis, result_.rule.op);
    if (is_error(diagnosis.fault)) throw Refusal(line);
    result_.warnings.push_back(line);
  }

  [[noreturn]] void refuse_word(const std::string &word) const {
    std::string accepted;
    for (const Option &each : kOptions) {
      if (!has_option(target_, each)) continue;
      accepted += (accepted.empty() ? "--" : ", --") + std::string(each.name);
    }
    throw Refusal(std::string(name(target_)) + ": \"" + word +
                  "\" is not an option of the target, give " + accepted);
  }

  [[noreturn]] void refuse_missing_argument(const std::string &word) const {
    if (optopt >= kTargetOption) {
      const Option &each = option(static_cast<OptionId>(optopt - kTargetOption));
      std::string_view syntax = each.syntax;
      syntax.remove_prefix(syntax.find_first_not_of(' '));
      throw Refusal(std::string(name(target_)) + ": --" + each.name.c_str() + ": no value, give " +
                    std::string(syntax));
    }
    throw Refusal("\"" + word + "\" has no value");
  }

  Target target_;
  RuleText &result_;
  std::vector<::option> table_;
  Progress progress_;
  bool inverted_ = false;
  bool in_match_ = false;
  bool behind_iptables_option_ = false;
};

}  // namespace

std::string target_of(const std::vector<std::string> &words) {
  const auto jump = find_jump(words);
  return jump ? jump->target : "";
}

RuleText read_rule(const std::vector<std::string> &words) {
  RuleText result;
  const auto jump = find_jump(words);
  std::size_t first = 0;
  if (jump) {
    result.rule.target = known_target(jump->target);
    result.rest.assign(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(jump->at));
    first = jump->end;
  }
  TargetWords(result.rule.target, result)
      .read({words.begin() + static_cast<std::ptrdiff_t>(first), words.end()});
  result.rule.op = canonical(result.rule.op);
  return result;
}

}  // namespace connmark
