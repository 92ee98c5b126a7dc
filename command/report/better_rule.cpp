// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/better_rule.h"

#include <optional>
#include <utility>
#include <vector>

#include "command/iptables/rule_syntax.h"
#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"
#include "command/nft/nft_rules.h"
#include "command/nft/nft_version.h"
#include "command/output/number_text.h"

namespace connmark {
namespace {

using Words = std::vector<std::string>;

// Nobody reads a longer one.
constexpr std::size_t kLongestCure = 4096;

// The words of a rule of iptables, and what they are.
struct ParsedRule {
  std::vector<Word> words;
  std::string unquoted;
  RuleSyntax syntax;
};

// Nothing for a rule that is not known whole.
bool parse(const Rule &rule, Family family, ParsedRule &parsed) {
  if (rule.text.size() > kLongestCure) return false;
  if (!split_words(rule.text, parsed.words, parsed.unquoted)) return false;
  RuleContext context;
  context.family = family;
  read_rule_syntax(parsed.words, context, parsed.syntax);
  return parsed.syntax.is_whole() && parsed.syntax.find(OwnOption::kAppend) != nullptr;
}

// Of nft: the readers write "..." for what they do not know.
bool is_known_whole(const Rule &rule) {
  return rule.text.find("...") == std::string::npos && rule.text.size() <= kLongestCure;
}

std::string line_of(Words matches, const Words &target) {
  matches.insert(matches.end(), target.begin(), target.end());
  return rule_line(matches);
}

// A machine without nft is taken for one with the youngest.
bool is_taken_here(const std::string &statement) {
  const NftNeeds needs = needs_of(statement);
  static const std::optional<Release> nft = installed_nft();
  static const std::optional<Release> kernel = running_linux();
  return !(needs.nft && nft && *nft < *needs.nft) &&
         !(needs.linux_kernel && kernel && *kernel < *needs.linux_kernel);
}

std::string mark_and_mask(std::uint32_t value, std::uint32_t mask) {
  return mask == kAllBits ? hex(value) : hex(value) + "/" + hex(mask);
}

// The option --mark of a match that reads as `test`, or null.
OptionWords *find_test(RuleSyntax &syntax, const MarkTest &test) {
  const std::string_view match = test.mark == Mark::kConnection ? "connmark" : "mark";
  for (OptionWords &option : syntax.options) {
    if (option.own != OwnOption::kNone || option.part == kNoPart) continue;
    if (option.part == syntax.target || syntax.parts[option.part].name != match) continue;
    const MarkAndMask read = read_mark_and_mask("--mark", std::string(option.value));
    const bool is_same = read.value == test.value && read.mask == test.mask;
    if (is_same && option.inverted == test.inverted) return &option;
  }
  return nullptr;
}

}  // namespace

std::optional<MarkRule> as_mark_rule(const MarkWrite &write) {
  const WriteBits bits = write_bits(write);
  MarkRule rule;
  if (bits.other_sources != 0) {
    rule.op = write.mark == Mark::kConnection ? save_mark(bits.other_sources, bits.changed)
                                              : restore_mark(bits.changed, bits.other_sources);
  } else {
    rule.target = write.mark == Mark::kConnection ? Target::kConnmark : Target::kMark;
    rule.op = set_xmark(bits.may_be_one, bits.constant);
  }
  if (expression_of(rule) != write.value) return std::nullopt;
  return rule;
}

MarkRule kept_to(const MarkRule &rule, std::uint32_t bits) {
  MarkRule kept = rule;
  Operation &op = kept.op;
  const bool to_connection = written_mark(rule) == Mark::kConnection;
  if (op.mode == Mode::kSet) {
    op.ctmark &= bits;
    op.ctmask &= bits;
    return kept;
  }
  const Shift back{op.shift.direction == Direction::kLeft ? Direction::kRight : Direction::kLeft,
                   op.shift.bits};
  std::uint32_t &written = to_connection ? op.ctmask : op.nfmask;
  std::uint32_t &source = to_connection ? op.nfmask : op.ctmask;
  written &= bits;
  source &= shifted(written, back);
  return kept;
}

std::string with_mark_rule(const Rule &rule, RuleKind kind, const MarkRule &mark_rule) {
  if (kind.is_nft) {
    std::string statement = nft_statement(mark_rule);
    return is_taken_here(statement) ? statement : "";
  }
  ParsedRule parsed;
  if (!parse(rule, kind.family, parsed) || !rule.mark_rule) return "";
  return line_of(words_in_order(parsed.syntax).matches, rule_words(saved_form(mark_rule)));
}

std::string test_text(bool is_nft, const MarkTest &test) {
  if (is_nft) {
    std::string text = test.mark == Mark::kConnection ? "ct mark" : "meta mark";
    if (test.mask != kAllBits) text += " and " + hex(test.mask);
    return text + (test.inverted ? " != " : " == ") + hex(test.value);
  }
  return std::string("-m ") + (test.mark == Mark::kConnection ? "connmark" : "mark") +
         (test.inverted ? " ! --mark " : " --mark ") + mark_and_mask(test.value, test.mask);
}

std::string with_own_bits(const Rule &rule, RuleKind kind, const MarkWrite &write,
                          std::uint32_t own, std::uint32_t harmed) {
  const auto mark_rule = rule.mark_rule ? rule.mark_rule : as_mark_rule(write);
  if (!mark_rule) return "";
  if (mark_rule->op.mode == Mode::kSet && mark_rule->op.shift.bits != 0) return "";
  const WriteBits bits = write_bits(write);
  // Where nothing says what the rule is for, it keeps all that is nobody's.
  std::uint32_t kept = bits.changed & own;
  if (kept == 0) kept = bits.copied == kAllBits ? 0 : bits.copied;
  if (kept == 0) kept = bits.changed & ~harmed;
  return with_mark_rule(rule, kind, kept_to(*mark_rule, kept));
}

std::string with_match(const Rule &rule, RuleKind kind, const MarkTest &test) {
  const std::string text = test_text(kind.is_nft, test);
  // The statement is at the end of a rule, and a test may stand anywhere before.
  if (kind.is_nft) return is_known_whole(rule) ? text + " " + rule.text : "";
  ParsedRule parsed;
  if (!parse(rule, kind.family, parsed)) return "";
  OrderedWords words = words_in_order(parsed.syntax);
  const Words match = rule_words(text);
  words.matches.insert(words.matches.end(), match.begin(), match.end());
  return line_of(std::move(words.matches), words.target);
}

std::string with_test(const Rule &rule, RuleKind kind, const MarkTest &from, const MarkTest &to) {
  if (kind.is_nft) return test_text(true, to);
  ParsedRule parsed;
  if (!parse(rule, kind.family, parsed)) return "";
  OptionWords *const place = find_test(parsed.syntax, from);
  if (place == nullptr) return "";
  const std::string value = mark_and_mask(to.value, to.mask);
  place->value = value;
  const OrderedWords words = words_in_order(parsed.syntax);
  return line_of(words.matches, words.target);
}

}  // namespace connmark
