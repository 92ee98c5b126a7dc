// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/better_rule.h"

#include <algorithm>

#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"
#include "command/nft/nft_rules.h"
#include "command/output/number_text.h"

namespace connmark {
namespace {

using Words = std::vector<std::string>;

Words::iterator find_jump(Words &words) {
  return std::ranges::find_if(words, [](const std::string &word) {
    return word == "-j" || word == "--jump" || word == "-g" || word == "--goto";
  });
}

std::string mark_and_mask(std::uint32_t value, std::uint32_t mask) {
  return mask == kAllBits ? hex(value) : hex(value) + "/" + hex(mask);
}

// Where the first `match` with a --mark is that reads as `test`.
std::optional<std::size_t> find_test(const Words &words, const MarkTest &test) {
  const std::string match = test.mark == Mark::kConnection ? "connmark" : "mark";
  std::string in_match;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "-m" || words[i] == "--match") in_match = words[i + 1];
    if (words[i] == "-j" || words[i] == "--jump") return std::nullopt;
    if (words[i] != "--mark" || in_match != match) continue;
    const MarkAndMask read = read_mark_and_mask("--mark", words[i + 1]);
    if (read.value == test.value && read.mask == test.mask) return i + 1;
  }
  return std::nullopt;
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

std::string with_mark_rule(const Rule &rule, bool is_nft, const MarkRule &mark_rule) {
  if (is_nft) return nft_statement(mark_rule);
  Words words = rule_words(rule.text);
  const auto jump = find_jump(words);
  const auto end = std::find(jump, words.end(), "-m");
  const Words target = rule_words(saved_form(mark_rule));
  words.insert(words.erase(jump, end), target.begin(), target.end());
  return rule_line(words);
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

std::string with_own_bits(const Rule &rule, bool is_nft, const MarkWrite &write, std::uint32_t own,
                          std::uint32_t harmed) {
  const auto mark_rule = rule.mark_rule ? rule.mark_rule : as_mark_rule(write);
  if (!mark_rule) return "";
  if (mark_rule->op.mode == Mode::kSet && mark_rule->op.shift.bits != 0) return "";
  const WriteBits bits = write_bits(write);
  // Where nothing says what the rule is for, it keeps all that is nobody's.
  std::uint32_t kept = bits.changed & own;
  if (kept == 0) kept = bits.copied == kAllBits ? 0 : bits.copied;
  if (kept == 0) kept = bits.changed & ~harmed;
  return with_mark_rule(rule, is_nft, kept_to(*mark_rule, kept));
}

std::string with_match(const Rule &rule, bool is_nft, const MarkTest &test) {
  const std::string text = test_text(is_nft, test);
  // The statement is at the end of a rule, and a test may stand anywhere before.
  if (is_nft) return text + " " + rule.text;
  Words words = rule_words(rule.text);
  const Words match = rule_words(text);
  words.insert(find_jump(words), match.begin(), match.end());
  return rule_line(words);
}

std::string with_test(const Rule &rule, bool is_nft, const MarkTest &from, const MarkTest &to) {
  if (is_nft) return test_text(true, to);
  Words words = rule_words(rule.text);
  const auto place = find_test(words, from);
  if (!place) return test_text(false, to);
  words[*place] = mark_and_mask(to.value, to.mask);
  return rule_line(words);
}

}  // namespace connmark
