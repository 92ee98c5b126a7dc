// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iptables/rule_meaning.h"

#include <algorithm>
#include <string>

#include "command/iptables/packet_matches.h"
#include "command/iptables/rule_text.h"
#include "command/iptables/saved_numbers.h"
#include "command/output/number_text.h"
#include "command/read_files/refused_input.h"
#include "command/refusal.h"
#include "command/rule_set/extension_effects.h"

namespace connmark {
namespace {

// iptables' own options come before all parts.
std::uint32_t place_of(const OptionWords &option) { return option.part + 1; }

const char *match_name(Mark mark) { return mark == Mark::kConnection ? "connmark" : "mark"; }

Match interface_match(Attribute attribute, const OptionWords &option) {
  return {.attribute = attribute, .inverted = option.inverted, .text = std::string(option.value)};
}

}  // namespace

void RuleMeaning::read(Rule &rule) {
  rule_ = &rule;
  marks_.reset();
  const RuleSyntax &syntax = text_.syntax();
  options_.clear();
  for (const OptionWords &option : syntax.options) options_.push_back(&option);
  const auto in_order = [](const OptionWords *left, const OptionWords *right) {
    return place_of(*left) < place_of(*right);
  };
  if (!std::ranges::is_sorted(options_, in_order)) std::ranges::stable_sort(options_, in_order);
  for (std::size_t from = 0; from < options_.size();) {
    const std::uint32_t part = options_[from]->part;
    std::size_t to = from;
    while (to < options_.size() && options_[to]->part == part) ++to;
    if (part == kNoPart) {
      for (std::size_t i = from; i < to; ++i) take_own(*options_[i]);
    } else if (part != syntax.target) {
      take_match(part, from, to);
    }
    from = to;
  }
  if (!syntax.is_whole()) marks().say(fault_text(syntax));
  if (syntax.target != kNoPart) take_target();
}

void RuleMeaning::take_own(const OptionWords &option) {
  std::vector<Match> &matches = rule_->matches;
  switch (option.own) {
    case OwnOption::kInInterface:
    case OwnOption::kOutInterface: {
      const bool is_any = option.value.empty() || option.value == "+";
      if (is_any && !option.inverted) return;
      matches.push_back(interface_match(option.own == OwnOption::kInInterface
                                            ? Attribute::kInInterface
                                            : Attribute::kOutInterface,
                                        option));
      return;
    }
    case OwnOption::kProtocol: {
      const auto number = protocol_number(option.value);
      if (!number) return add_other(words_behind_inversion(option), true, option.inverted);
      if (*number == 0 && !option.inverted) return;
      matches.push_back({.attribute = Attribute::kProtocol,
                         .inverted = option.inverted,
                         .from = *number,
                         .to = *number,
                         .text = {}});
      return;
    }
    case OwnOption::kSource:
    case OwnOption::kDestination: {
      auto prefix = prefix_text(option.value);
      if (!prefix) return add_other(words_behind_inversion(option), true, option.inverted);
      if (is_every_address(*prefix) && !option.inverted) return;
      matches.push_back({.attribute = option.own == OwnOption::kSource ? Attribute::kSource
                                                                       : Attribute::kDestination,
                         .inverted = option.inverted,
                         .text = std::move(*prefix)});
      return;
    }
    case OwnOption::kFragment:
      return add_other("-f", true, option.inverted);
    case OwnOption::kIpv4:
    case OwnOption::kIpv6: {
      const std::uint32_t version = option.own == OwnOption::kIpv4 ? 4 : 6;
      matches.push_back(
          {.attribute = Attribute::kIpVersion, .from = version, .to = version, .text = {}});
      return;
    }
    default:
      return;
  }
}

void RuleMeaning::take_match(std::uint32_t part, std::size_t from, std::size_t to) {
  const std::string_view name = text_.syntax().parts[part].name;
  if (name == "mark") return take_mark_match(Mark::kPacket, from, to);
  if (name == "connmark") return take_mark_match(Mark::kConnection, from, to);
  if (name == "comment") {
    for (std::size_t i = from; i < to; ++i) {
      if (options_[i]->own == OwnOption::kNone) rule_->comment = options_[i]->value;
    }
    return;
  }
  const bool is_known = name == "tcp" || name == "udp" || name == "multiport" ||
                        name == "conntrack" || name == "state";
  bool is_whole = is_known;
  bool has_options = false;
  for (std::size_t i = from; i < to; ++i) {
    if (options_[i]->own != OwnOption::kNone) continue;
    has_options = true;
    if (is_known && !take_known_option(name, *options_[i])) is_whole = false;
  }
  // That it is of the protocol has been asked by -p.
  if (!has_options && (name == "tcp" || name == "udp")) return;
  if (!is_whole || !has_options) add_other(words_text(from, to), is_stable_match(name), false);
  take_mark_reads(name, from, to);
}

void RuleMeaning::take_mark_match(Mark mark, std::size_t from, std::size_t to) {
  bool has_mark = false;
  for (std::size_t i = from; i < to; ++i) {
    if (options_[i]->own != OwnOption::kNone) continue;
    has_mark = true;
    const MarkAndMask tested = mark_argument(*options_[i]);
    marks().test(mark, tested.value, tested.mask, options_[i]->inverted);
  }
  if (!has_mark && text_.syntax().is_whole()) {
    text_.refuse(std::string("-m ") + match_name(mark) +
                 " without --mark, give VALUE or VALUE/MASK");
  }
}

bool RuleMeaning::take_known_option(std::string_view match, const OptionWords &option) {
  if (match == "conntrack" || match == "state") return take_states(option);
  return take_ports(option);
}

bool RuleMeaning::take_ports(const OptionWords &option) {
  const std::string_view name = option.name;
  const bool is_source =
      name == "sport" || name == "source-port" || name == "sports" || name == "source-ports";
  const bool is_destination = name == "dport" || name == "destination-port" || name == "dports" ||
                              name == "destination-ports";
  if (!is_source && !is_destination) return false;
  const auto range = port_range(option.value);
  if (!range) return false;
  if (range->from == 0 && range->to == kLastPort && !option.inverted) return true;
  rule_->matches.push_back(
      {.attribute = is_source ? Attribute::kSourcePort : Attribute::kDestinationPort,
       .inverted = option.inverted,
       .from = range->from,
       .to = range->to,
       .text = {}});
  return true;
}

bool RuleMeaning::take_states(const OptionWords &option) {
  if (option.name == "ctstate" || option.name == "state") {
    const auto states = connection_states(option.value);
    if (!states) return false;
    rule_->matches.push_back({.attribute = Attribute::kConnectionState,
                              .inverted = option.inverted,
                              .from = *states,
                              .text = {}});
    return true;
  }
  // Beside a state, packets without a connection pass any other question.
  const bool is_alone = std::ranges::none_of(options_, [&](const OptionWords *each) {
    return each->part == option.part && each->name == "ctstate";
  });
  if (option.name != "ctdir" || !is_alone || option.inverted) return false;
  if (option.value != "ORIGINAL" && option.value != "REPLY") return false;
  rule_->matches.push_back({.attribute = Attribute::kConnectionDirection,
                            .from = option.value == "REPLY" ? 1U : 0U,
                            .text = {}});
  return true;
}

// Of matches that look at marks or write them on their way.
void RuleMeaning::take_mark_reads(std::string_view match, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    const std::string_view name = options_[i]->name;
    if (match == "rpfilter" && name == "validmark") {
      marks();
      rule_->tests.push_back({.mark = Mark::kPacket, .mask = kAllBits, .value_known = false});
    }
    if (match == "socket" && name == "restore-skmark") {
      marks().write_unknown(Mark::kPacket, "-m socket --restore-skmark");
    }
  }
}

void RuleMeaning::read_packet_mark() {
  marks();
  const MarkTest read{
      .mark = Mark::kPacket, .mask = kAllBits, .value_known = false, .decides = false};
  if (std::ranges::find_if(rule_->tests, [](const MarkTest &each) { return !each.decides; }) ==
      rule_->tests.end()) {
    rule_->tests.push_back(read);
  }
}

void RuleMeaning::take_target() {
  const RulePart &target = *text_.syntax().target_part();
  if (const auto number = text_.chain_named(target.name)) {
    rule_->outcome = {target.is_goto ? Verdict::kGoto : Verdict::kJump, first_chain_ + *number};
    return;
  }
  if (target.is_goto || target.known == nullptr) {
    if (!text_.syntax().is_whole()) return;
    return marks().say((target.is_goto ? "-g " : "-j ") + in_quotes(target.name) +
                       ": there is no such chain" +
                       (target.is_goto ? "" : ", and iptables here has no such target"));
  }
  rule_->outcome.verdict = verdict_of_target(target.name);
  if (target.name == "CONNMARK") return write_mark(Target::kConnmark);
  if (target.name == "MARK") return write_mark(Target::kMark);
  if (target.name == "NOTRACK") rule_->untracks = true;
  // A hash of addresses and ports.
  if (target.name == "HMARK") marks().write_unknown(Mark::kPacket, "-j HMARK");
  // The program that is asked is told the mark.
  if (target.name == "NFQUEUE" || target.name == "QUEUE") read_packet_mark();
  for (const OptionWords *option : options_) {
    if (option->part == text_.syntax().target && option->own == OwnOption::kNone) {
      take_target_option(*option);
    }
  }
}

void RuleMeaning::take_target_option(const OptionWords &option) {
  const std::string_view target = text_.syntax().target_part()->name;
  if (target == "TPROXY" && option.name == "tproxy-mark") {
    const MarkAndMask mark = mark_argument(option);
    if (mark.value == 0 && mark.mask == 0) return;
    marks().write_from_now(Mark::kPacket,
                           expression_of({Target::kMark, set_xmark(mark.value, mark.mask)}));
  } else if (target == "SET" && option.name == "map-mark") {
    marks().write_unknown(Mark::kPacket, "-j SET --map-mark");
  } else if (target == "CT") {
    if (option.name == "notrack") rule_->untracks = true;
    if (option.name.starts_with("zone") && option.value == "mark") read_packet_mark();
  }
}

void RuleMeaning::write_mark(Target target) {
  const auto saved = saved_operation(target, text_.syntax());
  const auto rule = saved ? std::optional(MarkRule{target, *saved}) : any_mark_rule();
  if (!rule) return;
  rule_->mark_rule = *rule;
  marks().write_from_now(written_mark(*rule), expression(*rule));
}

// Nothing for a rule that is not known anyway.
std::optional<MarkRule> RuleMeaning::any_mark_rule() const {
  try {
    std::vector<std::string> warnings;
    return mark_rule_of(text_.syntax(), warnings);
  } catch (const Refusal &refused) {
    if (!text_.syntax().is_whole()) return std::nullopt;
    const std::string_view words = refused.what();
    // The plugin's words are short and legible, unless they quote the line.
    constexpr std::size_t kLongest = 400;
    const bool is_legible = words.size() <= kLongest && std::ranges::all_of(words, [](char c) {
                              return c >= 0x20 && c < 0x7f;
                            });
    text_.refuse(is_legible ? std::string(words) : in_quotes(words));
  }
}

const MarkExpression &RuleMeaning::expression(const MarkRule &rule) {
  if (!last_rule_ || *last_rule_ != rule) {
    last_expression_ = expression_of(rule);
    last_rule_ = rule;
  }
  return last_expression_;
}

void RuleMeaning::add_other(std::string text, bool is_stable, bool inverted) {
  rule_->matches.push_back({.attribute = Attribute::kOther,
                            .inverted = inverted,
                            .is_stable = is_stable,
                            .text = std::move(text)});
}

std::string RuleMeaning::words_text(std::size_t from, std::size_t to) const {
  const std::vector<Word> &words = text_.words();
  std::string text;
  for (std::size_t i = from; i < to;) {
    const std::uint32_t first = options_[i]->first;
    std::uint32_t end = options_[i]->end;
    // Neighbours are copied with the blanks between them.
    for (++i; i < to && options_[i]->first == end; ++i) end = options_[i]->end;
    if (!text.empty()) text += ' ';
    const std::uint32_t begin = words[first].begin;
    text += text_.rule().substr(begin, words[end - 1].end - begin);
  }
  return text;
}

std::string RuleMeaning::words_behind_inversion(const OptionWords &option) const {
  const std::vector<Word> &words = text_.words();
  const std::uint32_t first = option.first + (words[option.first].text == "!" ? 1 : 0);
  return std::string(
      text_.rule().substr(words[first].begin, words[option.end - 1].end - words[first].begin));
}

MarkAndMask RuleMeaning::mark_argument(const OptionWords &option) const {
  if (const auto saved = saved_mark_and_mask(option.value)) return *saved;
  const std::string name = "--" + std::string(option.name);
  constexpr std::size_t kLongestMark = 64;
  if (option.value.size() <= kLongestMark) {
    try {
      return read_mark_and_mask(name, std::string(option.value));
    } catch (const Refusal &) {
      // Refused below, in words that a terminal can show.
    }
  }
  text_.refuse(name + ": " + in_quotes(option.value) +
               " is not a mark, give VALUE or VALUE/MASK, each 0 to " + hex(kAllBits));
}

}  // namespace connmark
