// SPDX-License-Identifier: GPL-2.0-or-later
//
// There may be 100,000 rules, few of which have to do with marks: a line is
// split without a copy, and what the tools themselves write is read here.  All
// other spellings go the way that they go in the plugin.
#include "command/read_files/iptables_save_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/iptables/rule_text.h"
#include "command/output/number_text.h"
#include "command/read_files/refused_input.h"
#include "command/read_files/text_lines.h"
#include "command/refusal.h"
#include "command/rule_set/builtin_chains.h"
#include "command/rule_set/rule_marks.h"

namespace connmark {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::string_view kAccepted = "give the text that iptables-save prints";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Splits as rule_words() does.  A word without quotes stays where it is, others
// are put into `unquoted`.  False if a quote is not closed.
bool split(std::string_view text, Words &words, std::string &unquoted) {
  words.clear();
  unquoted.clear();
  unquoted.reserve(text.size());  // else the words would move
  std::size_t i = 0;
  while (true) {
    while (i < text.size() && is_blank(text[i])) ++i;
    if (i == text.size()) return true;
    const std::size_t begin = i;
    while (i < text.size() && !is_blank(text[i]) && text[i] != '"') ++i;
    if (i == text.size() || text[i] != '"') {
      words.push_back(text.substr(begin, i - begin));
      continue;
    }
    const std::size_t from = unquoted.size();
    unquoted += text.substr(begin, i - begin);
    bool is_quoted = false;
    for (; i < text.size() && (is_quoted || !is_blank(text[i])); ++i) {
      if (text[i] == '"') {
        is_quoted = !is_quoted;
      } else {
        if (is_quoted && text[i] == '\\' && i + 1 < text.size()) ++i;
        unquoted += text[i];
      }
    }
    if (is_quoted) return false;
    words.push_back(std::string_view(unquoted).substr(from));
  }
}

// As iptables-save writes a mark: 0x and lower case digits.
std::optional<std::uint32_t> saved_mark(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<MarkAndMask> saved_mark_and_mask(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto value = saved_mark(text.substr(0, slash));
  const auto mask = slash == text.npos ? kAllBits : saved_mark(text.substr(slash + 1));
  if (!value || !mask) return std::nullopt;
  return MarkAndMask{*value, *mask};
}

std::optional<std::uint8_t> saved_shift(std::string_view text) {
  std::uint8_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool is_octal = text.starts_with('0') && text != "0";
  if (error != std::errc{} || end != text.data() + text.size() || is_octal) return std::nullopt;
  return bits <= kMaxShiftBits ? std::optional(bits) : std::nullopt;
}

// The words behind -j CONNMARK or -j MARK if they are all as iptables-save would
// write them.
std::optional<Operation> saved_operation(Target target, const Words &words, std::size_t first) {
  Operation op;
  if (first == words.size()) return std::nullopt;
  const std::string_view verb = words[first];
  const bool is_set = verb == "--set-xmark";
  if (is_set) {
    const auto mark =
        first + 1 < words.size() ? saved_mark_and_mask(words[first + 1]) : std::nullopt;
    if (!mark) return std::nullopt;
    op = set_xmark(mark->value, mark->mask);
    ++first;
  } else if (target == Target::kMark) {
    return std::nullopt;
  } else if (verb == "--save-mark") {
    op.mode = Mode::kSave;
  } else if (verb == "--restore-mark") {
    op.mode = Mode::kRestore;
  } else {
    return std::nullopt;
  }
  bool has_shift = false;
  for (std::size_t i = first + 1; i < words.size(); i += 2) {
    if (i + 1 == words.size() || target == Target::kMark) return std::nullopt;
    const bool is_left = words[i] == "--left-shift-mark";
    if (is_left || words[i] == "--right-shift-mark") {
      const auto bits = saved_shift(words[i + 1]);
      if (!bits || has_shift) return std::nullopt;
      op.shift = {is_left ? Direction::kLeft : Direction::kRight, *bits};
      has_shift = true;
      continue;
    }
    const auto mask = saved_mark(words[i + 1]);
    if (!mask || is_set) return std::nullopt;
    if (words[i] == "--nfmask") {
      op.nfmask = *mask;
    } else if (words[i] == "--ctmask") {
      op.ctmask = *mask;
    } else {
      return std::nullopt;
    }
  }
  return canonical(op);
}

// An option of iptables itself.
enum class Part : std::uint8_t { kNone, kMatch, kJump, kGoto, kAddress, kProtocol, kOther };

struct LongOption {
  std::string_view name;
  Part part;
};

constexpr std::array kLongOptions = {
    LongOption{"--match", Part::kMatch},        LongOption{"--jump", Part::kJump},
    LongOption{"--goto", Part::kGoto},          LongOption{"--source", Part::kAddress},
    LongOption{"--src", Part::kAddress},        LongOption{"--destination", Part::kAddress},
    LongOption{"--dst", Part::kAddress},        LongOption{"--protocol", Part::kProtocol},
    LongOption{"--proto", Part::kProtocol},     LongOption{"--in-interface", Part::kOther},
    LongOption{"--out-interface", Part::kOther}};

// Options whose argument is anybody's text, so that it may look like an option.
constexpr std::array<std::string_view, 8> kFreeText = {
    "--log-prefix", "--nflog-prefix", "--string", "--hex-string",
    "--name",       "--label",        "--timer",  "--hashlimit-name"};

Part short_option(char letter) {
  switch (letter) {
    case 'm':
      return Part::kMatch;
    case 'j':
      return Part::kJump;
    case 'g':
      return Part::kGoto;
    case 's':
    case 'd':
      return Part::kAddress;
    case 'p':
      return Part::kProtocol;
    case 'i':
    case 'o':
      return Part::kOther;
    default:
      return Part::kNone;
  }
}

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

struct Table {
  std::string name;
  std::optional<Family> family;  // if a comment has told it
  std::uint32_t dump = 0;        // how many such comments stand before it
  std::unordered_map<std::string, ChainIndex, Hash, std::equal_to<>> chains;
};

class SaveReader {
 public:
  SaveReader(std::istream &in, const std::string &name, Ruleset &ruleset)
      : lines_(in, name),
        ruleset_(ruleset),
        input_(static_cast<InputIndex>(ruleset.inputs.size())),
        first_chain_(static_cast<ChainIndex>(ruleset.chains.size())) {
    ruleset.inputs.push_back({name, false});
  }

  void read() {
    for (std::string_view line; lines_.next(line);) take(line);
    if (table_ != nullptr) {
      lines_.refuse("the text ends before the COMMIT of table " + table_->name +
                    ", so it is not complete");
    }
    settle_families();
  }

 private:
  void take(std::string_view line) {
    if (line.starts_with("-A") || line.starts_with('[')) return take_rule_line(line);
    line = trimmed(line);
    if (line.empty()) return;
    if (line.starts_with('#')) return take_comment(line);
    if (line.starts_with('*')) return begin_table(line.substr(1));
    if (line.starts_with(':')) return declare_chain(line.substr(1));
    if (line == "COMMIT") {
      if (table_ == nullptr) lines_.refuse("COMMIT without a table before it, " + accepted());
      table_ = nullptr;
      return;
    }
    if (line.starts_with('-')) return take_rule_line(line);
    refuse_foreign(line);
  }

  [[noreturn]] void refuse_foreign(std::string_view line) const {
    lines_.refuse(in_quotes(line) + " is not of an iptables-save text, " + accepted());
  }

  static std::string accepted() { return std::string(kAccepted); }

  void take_comment(std::string_view line) {
    if (!line.starts_with("# Generated by ")) return;
    ++dump_;
    told_family_ = line.find(" ip6tables") != line.npos ? Family::kIpv6 : Family::kIpv4;
  }

  void begin_table(std::string_view name) {
    if (table_ != nullptr) {
      lines_.refuse("table " + in_quotes(name) + " begins before the COMMIT of table " +
                    table_->name);
    }
    constexpr std::array<std::string_view, 5> kNames = {"raw", "mangle", "nat", "filter",
                                                        "security"};
    if (std::ranges::find(kNames, name) == kNames.end()) {
      lines_.refuse(in_quotes(name) +
                    " is not a table of iptables, give raw, mangle, nat, filter or security");
    }
    // iptables-restore --noflush goes on with a table that it has had before.  But
    // what two tools have written, as iptables-legacy-save and iptables-nft-save,
    // are two tables.
    for (Table &each : tables_) {
      if (each.name == name && each.dump == dump_) table_ = &each;
    }
    if (table_ == nullptr) {
      tables_.push_back({std::string(name), told_family_, dump_, {}});
      table_ = &tables_.back();
    }
  }

  void declare_chain(std::string_view line) {
    if (table_ == nullptr)
      lines_.refuse(in_quotes(line) + " without a table before it, " + accepted());
    if (!split(line, words_, unquoted_) || words_.size() < 2 || words_.size() > 3) {
      lines_.refuse(in_quotes(line) + " is not a chain, give :CHAIN POLICY [PACKETS:BYTES]");
    }
    if (!table_->chains.contains(words_[0])) add_chain(words_[0]);
  }

  ChainIndex add_chain(std::string_view name) {
    Chain chain;
    chain.input = input_;
    chain.family = told_family_.value_or(Family::kIpv4);
    chain.table = table_->name;
    chain.name = name;
    if (const auto builtin = builtin_chain(table_->name, name)) {
      chain.hook = builtin->hook;
      chain.priority = builtin->priority;
      chain.reroutes = builtin->reroutes;
    }
    const auto index = static_cast<ChainIndex>(ruleset_.chains.size());
    table_->chains.emplace(chain.name, index);
    ruleset_.chains.push_back(std::move(chain));
    counts_.push_back(0);
    return index;
  }

  void take_rule_line(std::string_view line) {
    std::string_view text = line;
    if (line.starts_with('[')) {
      const std::size_t end = line.find("] ");
      if (end == line.npos) refuse_foreign(line);
      text.remove_prefix(end + 2);
    }
    if (table_ == nullptr) refuse_foreign(line);
    if (!split(text, words_, unquoted_)) {
      lines_.refuse(in_quotes(text) + " has a quote that is not closed");
    }
    if (words_.size() < 2 || (words_[0] != "-A" && words_[0] != "--append")) refuse_foreign(line);
    take_rule(trimmed(text));
  }

  ChainIndex rule_chain() {
    if (const auto found = table_->chains.find(words_[1]); found != table_->chains.end()) {
      return found->second;
    }
    if (builtin_chain(table_->name, words_[1])) return add_chain(words_[1]);
    lines_.refuse("chain " + in_quotes(words_[1]) +
                  " is not declared, give :CHAIN - [0:0] before it");
  }

  void take_rule(std::string_view text) {
    rule_ = {};
    marks_.reset();
    rule_.chain = rule_chain();
    rule_.line = lines_.number();
    rule_.number = ++counts_[rule_.chain - first_chain_];
    walk();
    const bool has_marks = marks_.has_value();
    if (!has_marks && rule_.outcome.chain == kNoChain) return;
    if (has_marks) rule_.text = text;
    ruleset_.rules.push_back(std::move(rule_));
  }

  RuleMarks &marks() { return marks_ ? *marks_ : marks_.emplace(rule_); }

  void walk() {
    at_ = 2;
    mark_match_.reset();
    has_socket_match_ = false;
    awaits_mark_ = {};
    target_.reset();
    bool inverted = false;
    while (at_ < words_.size()) {
      const std::string_view word = words_[at_++];
      if (word == "!") {
        inverted = true;
        continue;
      }
      if (word.size() > 1 && word[0] == '-') take_option(word, inverted);
      inverted = false;
    }
    for (const Mark mark : {Mark::kConnection, Mark::kPacket}) {
      if (awaits_mark_[static_cast<std::size_t>(mark)]) {
        lines_.refuse(std::string("-m ") + match_name(mark) +
                      " without --mark, give VALUE or VALUE/MASK");
      }
    }
    if (target_) take_target();
  }

  static const char *match_name(Mark mark) {
    return mark == Mark::kConnection ? "connmark" : "mark";
  }

  // Its argument: what stands behind the "=" or the letter, else the next word.
  std::string_view argument(std::string_view option, std::optional<std::string_view> attached) {
    if (attached) return *attached;
    if (at_ == words_.size()) lines_.refuse(in_quotes(option) + " has no value");
    return words_[at_++];
  }

  void take_option(std::string_view word, bool inverted) {
    Part part = Part::kNone;
    std::string_view name = word;
    std::optional<std::string_view> attached;
    const std::size_t index = at_ - 1;
    if (word[1] != '-') {
      part = short_option(word[1]);
      if (word == "-f") rule_.matches.push_back({});
      if (word.size() > 2) attached = word.substr(2);
    } else {
      const std::size_t equals = word.find('=');
      name = word.substr(0, equals);
      if (equals != word.npos) attached = word.substr(equals + 1);
      const auto *const found = std::ranges::find(kLongOptions, name, &LongOption::name);
      if (found != kLongOptions.end()) part = found->part;
    }
    switch (part) {
      case Part::kNone:
        return take_extension_option(name, attached, inverted);
      case Part::kMatch:
        return begin_match(argument(word, attached));
      case Part::kJump:
      case Part::kGoto: {
        if (target_) lines_.refuse("two targets, " + in_quotes(word) + " is the second one");
        rule_.outcome.verdict = part == Part::kGoto ? Verdict::kGoto : Verdict::kContinue;
        target_ = argument(word, attached);
        target_word_ = index;
        behind_target_ = at_;
        return;
      }
      case Part::kAddress:
      case Part::kProtocol:
      case Part::kOther:
        rule_.matches.push_back({});
        note_family(part, argument(word, attached));
    }
  }

  void note_family(Part part, std::string_view value) {
    if (told_family_) return;
    if (part == Part::kAddress) {
      (value.find(':') != value.npos ? saw_ipv6_ : saw_ipv4_) = true;
    } else if (part == Part::kProtocol) {
      if (value == "ipv6-icmp" || value == "icmpv6") saw_ipv6_ = true;
      if (value == "icmp") saw_ipv4_ = true;
    }
  }

  void begin_match(std::string_view name) {
    if (name == "mark" || name == "connmark") {
      mark_match_ = name == "mark" ? Mark::kPacket : Mark::kConnection;
      awaits_mark_[static_cast<std::size_t>(*mark_match_)] = true;
    } else if (name == "socket") {
      has_socket_match_ = true;
      rule_.matches.push_back({});
    } else if (name != "comment") {
      rule_.matches.push_back({});
    }
  }

  void take_extension_option(std::string_view name, std::optional<std::string_view> attached,
                             bool inverted) {
    if (name == "--comment") {
      rule_.comment = argument(name, attached);
    } else if (mark_match_ && (name == "--mark" || name == "--mar")) {
      const MarkAndMask mark = mark_argument("--mark", argument(name, attached));
      awaits_mark_[static_cast<std::size_t>(*mark_match_)] = false;
      marks().test(*mark_match_, mark.value, mark.mask, inverted);
    } else if (has_socket_match_ && name == "--restore-skmark") {
      marks().write_unknown(Mark::kPacket, "-m socket --restore-skmark");
    } else if (std::ranges::find(kFreeText, name) != kFreeText.end()) {
      if (!attached && at_ < words_.size()) ++at_;
    } else if (!told_family_ && name == "--reject-with" && at_ < words_.size()) {
      saw_ipv6_ = saw_ipv6_ || words_[at_].starts_with("icmp6-");
      saw_ipv4_ = saw_ipv4_ || words_[at_].starts_with("icmp-");
    }
  }

  MarkAndMask mark_argument(const std::string &option, std::string_view text) const {
    if (const auto saved = saved_mark_and_mask(text)) return *saved;
    constexpr std::size_t kLongestMark = 64;
    if (text.size() <= kLongestMark) {
      try {
        return read_mark_and_mask(option, std::string(text));
      } catch (const Refusal &) {
        // Refused below, in words that a terminal can show.
      }
    }
    lines_.refuse(option + ": " + in_quotes(text) +
                  " is not a mark, give VALUE or VALUE/MASK, each 0 to " + hex(kAllBits));
  }

  void take_target() {
    if (const auto found = table_->chains.find(*target_); found != table_->chains.end()) {
      rule_.outcome = {rule_.is_goto() ? Verdict::kGoto : Verdict::kJump, found->second};
      return;
    }
    rule_.outcome.verdict = target_verdict(*target_);
    if (*target_ == "CONNMARK") return write_mark(Target::kConnmark);
    if (*target_ == "MARK") return write_mark(Target::kMark);
    if (*target_ == "TPROXY") return take_tproxy();
    if (*target_ == "SET" && target_option("--map-mark")) {
      marks().write_unknown(Mark::kPacket, "-j SET --map-mark");
    }
    // A hash of addresses and ports.
    if (*target_ == "HMARK") marks().write_unknown(Mark::kPacket, "-j HMARK");
  }

  // The index of the word, which may have its argument attached.
  std::optional<std::size_t> target_option(std::string_view name) const {
    for (std::size_t i = behind_target_; i < words_.size(); ++i) {
      const std::string_view word = words_[i];
      if (word.starts_with(name) && (word.size() == name.size() || word[name.size()] == '=')) {
        return i;
      }
    }
    return std::nullopt;
  }

  void take_tproxy() {
    constexpr std::string_view kOption = "--tproxy-mark";
    const auto index = target_option(kOption);
    if (!index) return;
    const std::string_view word = words_[*index];
    std::optional<std::string_view> attached;
    if (word.size() > kOption.size()) attached = word.substr(kOption.size() + 1);
    at_ = *index + 1;
    const MarkAndMask mark = mark_argument(std::string(kOption), argument(kOption, attached));
    if (mark.value == 0 && mark.mask == 0) return;
    marks().write_from_now(Mark::kPacket,
                           expression_of({Target::kMark, set_xmark(mark.value, mark.mask)}));
  }

  void write_mark(Target target) {
    const auto saved = saved_operation(target, words_, behind_target_);
    const MarkRule rule = saved ? MarkRule{target, *saved} : any_mark_rule();
    rule_.mark_rule = rule;
    marks().write_from_now(written_mark(rule), expression(rule));
  }

  MarkRule any_mark_rule() const {
    try {
      return read_rule({words_.begin() + static_cast<std::ptrdiff_t>(target_word_), words_.end()})
          .rule;
    } catch (const Refusal &refused) {
      const std::string_view words = refused.what();
      // The plugin's words are short and legible, unless they quote the line.
      constexpr std::size_t kLongest = 400;
      const bool is_legible = words.size() <= kLongest && std::ranges::all_of(words, [](char c) {
                                return c >= 0x20 && c < 0x7f;
                              });
      lines_.refuse(is_legible ? std::string(words) : in_quotes(words));
    }
  }

  // Neighbours often do the same.
  const MarkExpression &expression(const MarkRule &rule) {
    if (!last_rule_ || *last_rule_ != rule) {
      last_expression_ = expression_of(rule);
      last_rule_ = rule;
    }
    return last_expression_;
  }

  void settle_families() {
    if (!saw_ipv6_ || saw_ipv4_) return;
    for (const Table &table : tables_) {
      if (table.family) continue;
      for (const auto &[name, index] : table.chains) ruleset_.chains[index].family = Family::kIpv6;
    }
  }

  TextLines lines_;
  Ruleset &ruleset_;
  const InputIndex input_;
  const ChainIndex first_chain_;
  std::vector<std::uint64_t> counts_;  // of rules, for each chain from first_chain_ on
  std::deque<Table> tables_;
  Table *table_ = nullptr;
  std::optional<Family> told_family_;
  std::uint32_t dump_ = 0;  // how many comments have told a family
  bool saw_ipv4_ = false;
  bool saw_ipv6_ = false;

  // Of the rule at hand.
  Words words_;
  std::string unquoted_;
  std::size_t at_ = 0;  // the next word
  Rule rule_;
  std::optional<RuleMarks> marks_;  // if it has to do with marks
  std::optional<Mark> mark_match_;  // the last one
  bool has_socket_match_ = false;
  std::array<bool, 2> awaits_mark_ = {};  // -m mark or -m connmark without its --mark as yet
  std::optional<std::string_view> target_;
  std::size_t target_word_ = 0;
  std::size_t behind_target_ = 0;

  std::optional<MarkRule> last_rule_;
  MarkExpression last_expression_;
};

}  // namespace

void read_iptables_save(std::istream &in, const std::string &name, Ruleset &ruleset) {
  RulesetAddition addition(ruleset);
  SaveReader(in, name, ruleset).read();
  addition.keep();
}

}  // namespace connmark
