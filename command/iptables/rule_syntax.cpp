// SPDX-License-Identifier: GPL-2.0-or-later
//
// iptables leaves this to getopt_long: a long name may be cut short while it fits
// one option; the names of iptables itself come first, then those of the extension
// loaded last.
#include "command/iptables/rule_syntax.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>
#include <string>

#include "command/read_files/refused_input.h"

namespace connmark {
namespace {

enum class Takes : std::uint8_t { kNothing, kArgument, kAttachedOnly };

struct OwnName {
  std::string_view short_name;  // empty for none
  std::string_view name;
  OwnOption own;
  Takes takes;
};

constexpr std::array kOwnNames = {
    OwnName{"-A", "append", OwnOption::kAppend, Takes::kArgument},
    OwnName{"-I", "insert", OwnOption::kInsert, Takes::kArgument},
    OwnName{"-R", "replace", OwnOption::kReplace, Takes::kArgument},
    OwnName{"-D", "delete", OwnOption::kDelete, Takes::kArgument},
    OwnName{"-C", "check", OwnOption::kCheck, Takes::kArgument},
    OwnName{"-m", "match", OwnOption::kMatch, Takes::kArgument},
    OwnName{"-j", "jump", OwnOption::kJump, Takes::kArgument},
    OwnName{"-g", "goto", OwnOption::kGoto, Takes::kArgument},
    OwnName{"-s", "source", OwnOption::kSource, Takes::kArgument},
    OwnName{"-s", "src", OwnOption::kSource, Takes::kArgument},
    OwnName{"-d", "destination", OwnOption::kDestination, Takes::kArgument},
    OwnName{"-d", "dst", OwnOption::kDestination, Takes::kArgument},
    OwnName{"-p", "protocol", OwnOption::kProtocol, Takes::kArgument},
    OwnName{"-p", "proto", OwnOption::kProtocol, Takes::kArgument},
    OwnName{"-i", "in-interface", OwnOption::kInInterface, Takes::kArgument},
    OwnName{"-o", "out-interface", OwnOption::kOutInterface, Takes::kArgument},
    OwnName{"-f", "fragments", OwnOption::kFragment, Takes::kNothing},
    OwnName{"-t", "table", OwnOption::kTable, Takes::kArgument},
    OwnName{"-c", "set-counters", OwnOption::kCounters, Takes::kArgument},
    OwnName{"-w", "wait", OwnOption::kWait, Takes::kAttachedOnly},
    OwnName{"-W", "wait-interval", OwnOption::kWait, Takes::kAttachedOnly},
    OwnName{"-4", "ipv4", OwnOption::kIpv4, Takes::kNothing},
    OwnName{"-6", "ipv6", OwnOption::kIpv6, Takes::kNothing},
    OwnName{"-n", "numeric", OwnOption::kPresentation, Takes::kNothing},
    OwnName{"-v", "verbose", OwnOption::kPresentation, Takes::kNothing},
    OwnName{"-x", "exact", OwnOption::kPresentation, Takes::kNothing},
    OwnName{"", "line-numbers", OwnOption::kPresentation, Takes::kNothing},
    OwnName{"-M", "modprobe", OwnOption::kPresentation, Takes::kArgument},
    OwnName{"-L", "list", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-S", "list-rules", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-F", "flush", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-Z", "zero", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-N", "new-chain", OwnOption::kOtherCommand, Takes::kArgument},
    OwnName{"-X", "delete-chain", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-E", "rename-chain", OwnOption::kOtherCommand, Takes::kArgument},
    OwnName{"-P", "policy", OwnOption::kOtherCommand, Takes::kArgument},
    OwnName{"-h", "help", OwnOption::kOtherCommand, Takes::kAttachedOnly},
    OwnName{"-V", "version", OwnOption::kOtherCommand, Takes::kNothing},
};

// Those whose plugin takes a second word itself.
constexpr std::array<std::string_view, 7> kTwoArguments = {
    "tcp-flags", "match-set", "set", "add-set", "del-set", "map-set", "chunk-types"};

bool may_be_inverted(OwnOption own) {
  switch (own) {
    case OwnOption::kNone:
    case OwnOption::kSource:
    case OwnOption::kDestination:
    case OwnOption::kInInterface:
    case OwnOption::kOutInterface:
    case OwnOption::kProtocol:
    case OwnOption::kFragment:
      return true;
    default:
      return false;
  }
}

// "-s ! ADDRESS", as older releases took and wrote it.
bool may_be_inverted_inside(OwnOption own) {
  return own != OwnOption::kNone && own != OwnOption::kFragment && may_be_inverted(own);
}

bool may_repeat(OwnOption own) {
  switch (own) {
    case OwnOption::kNone:
    case OwnOption::kMatch:
    case OwnOption::kWait:
    case OwnOption::kIpv4:
    case OwnOption::kIpv6:
    case OwnOption::kPresentation:
      return true;
    default:
      return false;
  }
}

// Two of these exclude each other as the same twice does.
OwnOption kind_of(OwnOption own) {
  switch (own) {
    case OwnOption::kInsert:
    case OwnOption::kReplace:
    case OwnOption::kDelete:
    case OwnOption::kCheck:
    case OwnOption::kOtherCommand:
      return OwnOption::kAppend;
    case OwnOption::kGoto:
      return OwnOption::kJump;
    default:
      return own;
  }
}

bool is_asked_of_packets(OwnOption own) {
  return own == OwnOption::kIpv4 || own == OwnOption::kIpv6 ||
         (own != OwnOption::kNone && may_be_inverted(own));
}

// The match that iptables loads for -p, where a rule has its options without -m.
std::string_view match_of_protocol(std::string_view protocol) {
  struct Named {
    std::string_view protocol;
    std::string_view match;
  };
  constexpr std::array kNames = {Named{"6", "tcp"},           Named{"17", "udp"},
                                 Named{"1", "icmp"},          Named{"58", "icmp6"},
                                 Named{"ipv6-icmp", "icmp6"}, Named{"icmpv6", "icmp6"},
                                 Named{"132", "sctp"},        Named{"33", "dccp"},
                                 Named{"136", "udplite"},     Named{"50", "esp"},
                                 Named{"51", "ah"},           Named{"135", "mh"},
                                 Named{"ipv6-mh", "mh"},      Named{"mobility-header", "mh"},
                                 Named{"TCP", "tcp"},         Named{"UDP", "udp"},
                                 Named{"ICMP", "icmp"},       Named{"IPv6-ICMP", "icmp6"}};
  const auto *const found = std::ranges::find(kNames, protocol, &Named::protocol);
  return found == kNames.end() ? protocol : found->match;
}

class SyntaxReader {
 public:
  SyntaxReader(std::span<const Word> words, const RuleContext &context, RuleSyntax &result)
      : words_(words), context_(context), result_(result) {
    result_.options.clear();
    result_.parts.clear();
    result_.target = kNoPart;
    result_.fault = RuleFault::kNone;
  }

  void begin_with_connmark() {
    result_.target = load({.kind = ExtensionKind::kTarget, .name = "CONNMARK"});
  }

  void read() {
    while (at_ < words_.size() && !result_.is_refused()) take_word();
    if (inverted_ && !result_.is_refused()) fail(RuleFault::kInversion, "!");
  }

 private:
  void take_word() {
    const std::string_view word = words_[at_].text;
    if (word == "!") {
      if (inverted_) fail(RuleFault::kInversion, word);
      inverted_ = true;
      first_ = at_++;
      return;
    }
    if (!inverted_) first_ = at_;
    const bool is_option = word.size() > 1 && word[0] == '-' && word != "--" && !is_at_end_;
    if (!is_option) {
      take_more(word);
    } else if (word[1] == '-') {
      take_long(word.substr(2));
    } else {
      take_short(word);
    }
    inverted_ = false;
  }

  // A word where an option could stand.
  void take_more(std::string_view word) {
    ++at_;
    if (word == "--" && !is_at_end_) {
      is_at_end_ = true;
      return;
    }
    if (!inverted_ && !is_at_end_ && !result_.options.empty() && !behind_unknown_) {
      OptionWords &last = result_.options.back();
      if (last.more.data() == nullptr && may_take_more(last)) {
        last.more = word;
        last.end = at_;
        return;
      }
    }
    // No word of its own stands behind an option that nobody knows.
    if (behind_unknown_ && !inverted_ && !is_at_end_) return;
    fail(RuleFault::kStrayWord, word);
  }

  static bool may_take_more(const OptionWords &option) {
    switch (option.own) {
      case OwnOption::kInsert:
      case OwnOption::kReplace:
      case OwnOption::kDelete:
      case OwnOption::kCounters:
      case OwnOption::kOtherCommand:
        return true;
      case OwnOption::kWait:
        return !option.has_value;
      case OwnOption::kNone:
        return option.has_value &&
               std::ranges::find(kTwoArguments, option.name) != kTwoArguments.end();
      default:
        return false;
    }
  }

  void take_short(std::string_view word) {
    std::size_t i = 1;
    for (; i < word.size(); ++i) {
      const auto *const found = std::ranges::find_if(kOwnNames, [&](const OwnName &each) {
        return !each.short_name.empty() && each.short_name[1] == word[i];
      });
      if (found == kOwnNames.end()) {
        ++at_;
        behind_unknown_ = true;
        return fail(RuleFault::kUnknownOption, word);
      }
      const bool is_last = i + 1 == word.size();
      if (found->takes == Takes::kNothing) {
        if (is_last) ++at_;
        add_own(*found, std::nullopt);
        if (result_.is_refused()) return;
        inverted_ = false;
        continue;
      }
      std::optional<std::string_view> attached;
      if (!is_last) attached = word.substr(i + 1);
      ++at_;
      return take_own(*found, attached, word);
    }
  }

  void take_long(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    std::optional<std::string_view> attached;
    if (equals != text.npos) attached = text.substr(equals + 1);
    const std::string_view word = words_[at_++].text;
    Found found = find_long(name);
    if (!found.is_one && load_protocol()) found = find_long(name);
    if (!found.is_one) {
      behind_unknown_ = !attached.has_value();
      return fail(RuleFault::kUnknownOption, word);
    }
    if (found.own != nullptr) return take_own(*found.own, attached, word);
    OptionWords option;
    option.part = found.part;
    option.name = found.option->name;
    if (found.option->takes_argument) {
      if (!attached && at_ == words_.size()) {
        return fail(RuleFault::kNoValue, found.option->name, found.part);
      }
      option.value = attached ? *attached : words_[at_++].text;
      option.has_value = true;
    } else if (attached) {
      return fail(RuleFault::kUnknownOption, word);
    }
    add(option);
  }

  struct Found {
    bool is_one = false;  // of the two below, one fits
    const OwnName *own = nullptr;
    const ExtensionOption *option = nullptr;
    std::uint32_t part = kNoPart;
  };

  // No extension has an option of the same whole name as iptables itself, so those
  // that are met more often are looked at first.
  Found find_long(std::string_view name) const {
    for (auto part = active_.rbegin(); part != active_.rend(); ++part) {
      for (const ExtensionOption &each : *result_.parts[*part].known) {
        if (each.name == name) return {true, nullptr, &each, *part};
      }
    }
    for (const OwnName &each : kOwnNames) {
      if (each.name == name) return {true, &each, nullptr, kNoPart};
    }
    return find_shortened(name);
  }

  Found find_shortened(std::string_view name) const {
    Found found;
    bool is_ambiguous = false;
    for (const OwnName &each : kOwnNames) {
      if (!each.name.starts_with(name)) continue;
      if (found.own != nullptr && found.own->own != each.own) is_ambiguous = true;
      found = {true, &each, nullptr, kNoPart};
    }
    for (auto part = active_.rbegin(); part != active_.rend(); ++part) {
      for (const ExtensionOption &each : *result_.parts[*part].known) {
        if (!each.name.starts_with(name)) continue;
        const bool is_same =
            found.option != nullptr && found.part == *part && found.option->id == each.id;
        if (found.is_one && !is_same) is_ambiguous = true;
        if (!found.is_one) found = {true, nullptr, &each, *part};
      }
    }
    found.is_one = found.is_one && !is_ambiguous;
    return found;
  }

  void take_own(const OwnName &name, std::optional<std::string_view> attached,
                std::string_view word) {
    if (name.takes == Takes::kArgument && !attached) {
      if (may_be_inverted_inside(name.own) && at_ + 1 < words_.size() && words_[at_].text == "!") {
        if (inverted_) return fail(RuleFault::kInversion, "!");
        inverted_ = true;
        ++at_;
      }
      if (at_ == words_.size()) return fail(RuleFault::kNoValue, word);
      attached = words_[at_++].text;
    } else if (name.takes == Takes::kNothing && attached) {
      return fail(RuleFault::kUnknownOption, word);
    }
    add_own(name, attached);
  }

  void add_own(const OwnName &name, std::optional<std::string_view> value) {
    if (inverted_ && !may_be_inverted(name.own)) return fail(RuleFault::kInversion, "!");
    if (!may_repeat(name.own)) {
      const auto kind = static_cast<std::size_t>(kind_of(name.own));
      if (seen_.test(kind)) {
        fail(RuleFault::kGivenTwice, name.short_name);
        // Where something is unknown, the first may have been its argument.
        if (result_.is_refused()) return;
      }
      seen_.set(kind);
    }
    OptionWords option;
    option.own = name.own;
    option.name = name.name;
    option.has_value = value.has_value();
    option.value = value.value_or(std::string_view());
    if (name.own == OwnOption::kMatch) {
      option.part = load({.kind = ExtensionKind::kMatch, .name = *value});
      if (result_.parts[option.part].known == nullptr) fail(RuleFault::kUnknownMatch, *value);
    } else if (kind_of(name.own) == OwnOption::kJump) {
      option.part = load({.kind = ExtensionKind::kTarget,
                          .is_goto = name.own == OwnOption::kGoto,
                          .name = *value});
      result_.target = option.part;
    } else if (name.own == OwnOption::kProtocol) {
      protocol_ = *value;
    }
    add(option);
  }

  void add(OptionWords &option) {
    option.inverted = inverted_;
    option.first = first_;
    option.end = at_;
    result_.options.push_back(option);
    behind_unknown_ = false;
  }

  std::uint32_t load(RulePart part) {
    const auto index = static_cast<std::uint32_t>(result_.parts.size());
    const bool is_chain =
        part.kind == ExtensionKind::kTarget && context_.is_chain && context_.is_chain(part.name);
    if (!is_chain) part.known = extension_options(part.kind, part.name, context_.family);
    result_.parts.push_back(part);
    if (part.known == nullptr || part.is_goto) return index;
    // A match that is given again hides the one before it.
    std::erase_if(active_, [&](std::uint32_t each) {
      return result_.parts[each].known == part.known && result_.parts[each].kind == part.kind;
    });
    active_.push_back(index);
    return index;
  }

  bool load_protocol() {
    if (protocol_.empty() || protocol_is_loaded_) return false;
    protocol_is_loaded_ = true;
    const std::string_view match = match_of_protocol(protocol_);
    if (extension_options(ExtensionKind::kMatch, match, context_.family) == nullptr) return false;
    load({.kind = ExtensionKind::kMatch, .is_implied = true, .name = match});
    return true;
  }

  void fail(RuleFault fault, std::string_view word, std::uint32_t part = kNoPart) {
    if (result_.fault != RuleFault::kNone) return;
    result_.fault = fault;
    result_.fault_word = word;
    result_.fault_at = at_;
    result_.fault_part = part;
  }

  std::span<const Word> words_;
  const RuleContext &context_;
  RuleSyntax &result_;
  std::uint32_t at_ = 0;     // the next word
  std::uint32_t first_ = 0;  // of the option at hand
  bool inverted_ = false;
  bool behind_unknown_ = false;        // the last option was one that nobody knows
  bool is_at_end_ = false;             // behind "--"
  std::vector<std::uint32_t> active_;  // parts whose options count, the last one first of all
  std::bitset<32> seen_;
  std::string_view protocol_;
  bool protocol_is_loaded_ = false;
};

std::string_view short_name_of(OwnOption own) {
  return std::ranges::find(kOwnNames, own, &OwnName::own)->short_name;
}

}  // namespace

const OptionWords *RuleSyntax::find(OwnOption own) const {
  const auto found = std::ranges::find(options, own, &OptionWords::own);
  return found == options.end() ? nullptr : &*found;
}

void read_rule_syntax(std::span<const Word> words, const RuleContext &context, RuleSyntax &result) {
  SyntaxReader(words, context, result).read();
  if (!context.begins_with_connmark || result.target != kNoPart) return;
  SyntaxReader with_target(words, context, result);
  with_target.begin_with_connmark();
  with_target.read();
}

std::string fault_text(const RuleSyntax &syntax) {
  switch (syntax.fault) {
    case RuleFault::kNone:
      break;
    case RuleFault::kUnknownMatch:
      return "-m " + in_quotes(syntax.fault_word) + ": iptables here has no match of that name";
    case RuleFault::kUnknownOption:
      return in_quotes(syntax.fault_word) +
             " is no option of iptables, nor of what stands before it in the rule";
    case RuleFault::kStrayWord:
      return in_quotes(syntax.fault_word) + " is the argument of no option";
    case RuleFault::kNoValue:
      return in_quotes((syntax.fault_part == kNoPart ? "" : "--") +
                       std::string(syntax.fault_word)) +
             " has no value";
    case RuleFault::kGivenTwice:
      return std::string(syntax.fault_word) + ": given twice, give it once";
    case RuleFault::kInversion:
      return "\"!\" stands before nothing that it can invert, leave it out";
  }
  return {};
}

void append_option(const OptionWords &option, std::vector<std::string> &words) {
  if (option.inverted) words.emplace_back("!");
  if (option.own == OwnOption::kOtherCommand) {
    // Some take an argument in the same word alone.
    std::string &word = words.emplace_back("--");
    word += option.name;
    if (option.has_value) (word += '=') += option.value;
    if (option.more.data() != nullptr) words.emplace_back(option.more);
    return;
  }
  const std::string_view short_name =
      option.own == OwnOption::kNone ? std::string_view() : short_name_of(option.own);
  words.push_back(short_name.empty() ? "--" + std::string(option.name) : std::string(short_name));
  if (option.has_value) words.emplace_back(option.value);
  if (option.more.data() != nullptr) words.emplace_back(option.more);
}

bool is_command(OwnOption own) { return kind_of(own) == OwnOption::kAppend; }

OrderedWords words_in_order(const RuleSyntax &syntax) {
  OrderedWords words;
  // Of each part its options, that which begins it as the first.
  std::vector<std::vector<const OptionWords *>> of_part(syntax.parts.size());
  for (const OptionWords &option : syntax.options) {
    if (option.part != kNoPart) of_part[option.part].push_back(&option);
    if (is_command(option.own)) append_option(option, words.matches);
  }
  for (const OptionWords &option : syntax.options) {
    if (option.part == kNoPart && is_asked_of_packets(option.own)) {
      append_option(option, words.matches);
    }
  }
  for (std::size_t i = 0; i < syntax.parts.size(); ++i) {
    std::vector<std::string> &to = i == syntax.target ? words.target : words.matches;
    if (syntax.parts[i].is_implied) {
      to.emplace_back("-m");
      to.emplace_back(syntax.parts[i].name);
    }
    for (const OptionWords *option : of_part[i]) append_option(*option, to);
  }
  return words;
}

}  // namespace connmark
