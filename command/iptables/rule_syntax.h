// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which word of a rule is what, as iptables itself reads them: its own options,
// the matches and the target in their order, each with its options, and which
// words are arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/iptables/extension_options.h"
#include "command/iptables/rule_words.h"

namespace connmark {

// The options of iptables and ip6tables themselves.
enum class OwnOption : std::uint8_t {
  kNone,  // it is an extension's
  kAppend,
  kInsert,
  kReplace,
  kDelete,
  kCheck,
  kOtherCommand,  // -L, -F, -P and their like
  kTable,
  kSource,
  kDestination,
  kInInterface,
  kOutInterface,
  kProtocol,
  kFragment,
  kIpv4,
  kIpv6,
  kMatch,
  kJump,
  kGoto,
  kCounters,
  kWait,          // also --wait-interval
  kPresentation,  // -n, -v, -x, --line-numbers, --modprobe: of no effect on a rule
};

// Of no extension.
inline constexpr std::uint32_t kNoPart = 0xffffffff;

struct OptionWords {
  OwnOption own = OwnOption::kNone;
  std::uint32_t part = kNoPart;  // the extension whose option it is; of kMatch, kJump: which begins
  bool inverted = false;
  bool has_value = false;
  std::string_view name;    // whole, without dashes
  std::string_view value;   // its argument
  std::string_view more;    // the second one: -I CHAIN NUMBER, --tcp-flags MASK FLAGS
  std::uint32_t first = 0;  // its words, with the "!"
  std::uint32_t end = 0;
};

struct RulePart {
  ExtensionKind kind = ExtensionKind::kMatch;
  bool is_goto = false;
  bool is_implied = false;  // by -p
  std::string_view name;
  const ExtensionOptions *known = nullptr;  // null: no plugin; for a target perhaps a chain
};

enum class RuleFault : std::uint8_t {
  kNone,
  // These leave a guess: whether an option that nobody knows takes an argument.
  kUnknownMatch,
  kUnknownOption,
  kStrayWord,
  // These no iptables takes, if all before them is known; what follows is not read.
  kNoValue,
  kGivenTwice,
  kInversion,
};

struct RuleSyntax {
  std::vector<OptionWords> options;
  std::vector<RulePart> parts;  // matches and target, in their order
  std::uint32_t target = kNoPart;
  RuleFault fault = RuleFault::kNone;  // the first
  std::string_view fault_word;
  std::uint32_t fault_at = 0;          // how many words were read then
  std::uint32_t fault_part = kNoPart;  // kNoValue: whose option it is

  // Every word has its place.
  bool is_whole() const { return fault == RuleFault::kNone; }
  bool is_refused() const { return fault >= RuleFault::kNoValue; }
  const RulePart *target_part() const { return target == kNoPart ? nullptr : &parts[target]; }
  // The first that is `own`, or null.
  const OptionWords *find(OwnOption own) const;
};

struct RuleContext {
  Family family = Family::kIpv4;
  // Whether a target's name is a chain's; where it is empty, each name that no
  // plugin has may be one.
  std::function<bool(std::string_view)> is_chain;
  // The rule begins behind -j CONNMARK, unless a -j follows.
  bool begins_with_connmark = false;
};

// `result` refers to the words, of which there are no more than 2^31.
void read_rule_syntax(std::span<const Word> words, const RuleContext &context, RuleSyntax &result);

// What is wrong, in words: "-j: given twice, give it once".  Not for kNone.
std::string fault_text(const RuleSyntax &syntax);

// The words of the rule alone as iptables-save would order them: -A CHAIN, iptables'
// own options, each match with its options; and the target with its options apart.
struct OrderedWords {
  std::vector<std::string> matches;
  std::vector<std::string> target;
};
OrderedWords words_in_order(const RuleSyntax &syntax);

// Whether -A, -I, -R, -D, -C or another command.
bool is_command(OwnOption own);

// One option's words: "!", the name and the arguments.
void append_option(const OptionWords &option, std::vector<std::string> &words);

}  // namespace connmark
