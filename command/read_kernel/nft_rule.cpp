// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine has 16 registers of 4 bytes; the older four of 16 bytes are the
// same memory.  For each register this reader keeps the value as an expression in
// the marks before the rule, the words for it, and which marks went into it: a
// value that cannot be said may still come from a mark, and then the rule's words
// have to be reported.
//
// Expressions are read from the kernel's attributes (linux/netfilter/nf_tables.h),
// since libnftnl drops those that are newer than itself, as the second source of
// Linux 6.13's bitwise.
#include "command/read_kernel/nft_rule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "command/output/number_text.h"
#include "command/read_kernel/netlink.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/read_kernel/xt_text.h"
#include "command/rule_set/rule_marks.h"

namespace connmark {
namespace {

using Bytes = std::span<const std::byte>;

// Of Linux 6.13 (nft_bitwise_ops, nft_bitwise_attributes); the headers may be older, and
// call the first NFT_BITWISE_BOOL.
constexpr std::uint32_t kBitwiseMaskXor = 0;
constexpr std::uint32_t kBitwiseAnd = 3;
constexpr std::uint32_t kBitwiseOr = 4;
constexpr std::uint32_t kBitwiseXor = 5;
constexpr std::size_t kSecondSource = 8;

constexpr std::size_t kRegisters = 16;
constexpr std::uint32_t kOldRegisters = 4;  // NFT_REG_1 to NFT_REG_4
constexpr std::size_t kWord = 4;

// How tightly nft binds what the words of a register end in.
enum class Binding : std::uint8_t { kOr, kXor, kAnd, kShift, kAtom };

struct Register {
  MarkExpression value = MarkExpression::unknown();
  std::string text;
  Binding binding = Binding::kAtom;
  bool of_marks = false;
  bool network_order = false;  // after hton(): the constants it is compared with are swapped
};

// What iptables-nft writes in nft's own expressions, and iptables' option for it.
enum class Field : std::uint8_t {
  kOther,
  kIn,
  kOut,
  kProtocol,
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kBothPorts
};

struct LoadedField {
  Field field = Field::kOther;
  std::array<std::uint8_t, 16> mask = {};
};

Bytes bytes_of(const nlattr *attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const std::byte *>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

Bytes value_of(const nlattr *data) { return bytes_of(Attributes(data)[NFTA_DATA_VALUE]); }

// The 4 bytes of `word`, zero where there are fewer.
std::uint32_t word_at(Bytes bytes, std::size_t word = 0) {
  std::uint32_t number = 0;
  if (bytes.size() > word * kWord) {
    std::memcpy(&number, bytes.data() + word * kWord, std::min(kWord, bytes.size() - word * kWord));
  }
  return number;
}

std::uint32_t swapped(std::uint32_t number) { return ntohl(number); }

MarkExpression swapped(const MarkExpression &value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  const MarkExpression byte = MarkExpression::constant(0xff);
  MarkExpression result;
  for (std::uint32_t i = 0; i < kWord; ++i) {
    result = result ^ (((value >> (8 * i)) & byte) << (24 - 8 * i));
  }
  return result;
}

// The first of the 4-byte registers that `number` names, or kRegisters.
std::size_t first_word(std::uint32_t number) {
  if (number >= NFT_REG_1 && number <= kOldRegisters) return (number - NFT_REG_1) * kWord;
  if (number >= NFT_REG32_00 && number < NFT_REG32_00 + kRegisters) return number - NFT_REG32_00;
  return kRegisters;
}

// The size of what a key loads, where that is more than one register.
std::size_t size_of_meta(std::uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
    case NFT_META_OIFNAME:
    case NFT_META_BRI_IIFNAME:
    case NFT_META_BRI_OIFNAME:
    case NFT_META_IIFKIND:
    case NFT_META_OIFKIND:
    case NFT_META_SDIFNAME:
      return IFNAMSIZ;
    case NFT_META_TIME_NS:
      return 8;
    default:
      return kWord;
  }
}

std::size_t size_of_ct(std::uint32_t key) {
  switch (key) {
    case NFT_CT_SRC:
    case NFT_CT_DST:
    case NFT_CT_SRC_IP6:
    case NFT_CT_DST_IP6:
    case NFT_CT_HELPER:
    case NFT_CT_LABELS:
      return 16;
    case NFT_CT_PKTS:
    case NFT_CT_BYTES:
    case NFT_CT_AVGPKT:
      return 8;
    default:
      return kWord;
  }
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + '"';
}

const char *nft_mark(Mark mark) { return mark == Mark::kConnection ? "ct mark" : "meta mark"; }

// The words of one rule, in nft's language and, for a table of iptables-nft, in
// iptables'.
class RuleText {
 public:
  RuleText(const NftTable &table, std::string_view chain) : table_(table), chain_(chain) {}

  void nft(std::string_view words) {
    if (nft_.ends_with("...") && words.starts_with("... ")) words.remove_prefix(4);
    if (!nft_.empty()) nft_ += ' ';
    nft_ += words;
  }
  void replace_end(std::string_view end, std::string_view words) {
    if (nft_.ends_with(end)) nft_.replace(nft_.size() - end.size(), end.size(), words);
  }
  // What is left out is said once for any number of neighbours.
  void other() {
    if (!nft_.ends_with("...")) nft("...");
  }
  void other_match() { append(matches_, " ..."); }

  void iptables_match(const std::string &words) { append(matches_, words); }
  void iptables_target(const std::string &words) { target_ = words; }

  // A comparison of a field that iptables-nft puts into the rule; false for one
  // that iptables would not have written so.
  bool field(const LoadedField &loaded, std::uint32_t operation, Bytes data);

  bool field_range(const LoadedField &loaded, bool inverted, Bytes from, Bytes to);

  std::uint8_t protocol() const { return protocol_; }

  std::string in_nft() const { return nft_; }
  std::string in_iptables() const {
    return "-A " + std::string(chain_) + source_ + destination_ + in_ + out_ + protocol_words_ +
           matches_ + target_;
  }

 private:
  static void append(std::string &to, const std::string &words) {
    if (words != " ..." || !to.ends_with(" ...")) to += words;
  }
  bool interface(std::string &to, const char *option, bool inverted, Bytes data) const;
  bool address(std::string &to, const char *option, const LoadedField &loaded, bool inverted,
               Bytes data) const;
  bool ports(const char *option, bool inverted, const std::string &numbers);
  bool port(const char *option, std::uint32_t operation, Bytes data);

  const NftTable &table_;
  std::string_view chain_;
  std::string nft_;
  std::string source_, destination_, in_, out_, protocol_words_, matches_, target_;
  std::uint8_t protocol_ = 0;
};

bool RuleText::field(const LoadedField &loaded, std::uint32_t operation, Bytes data) {
  const bool inverted = operation == NFT_CMP_NEQ;
  switch (loaded.field) {
    case Field::kSourcePort:
      return port("--sport", operation, data);
    case Field::kDestinationPort:
      return port("--dport", operation, data);
    case Field::kBothPorts:
      return !inverted && data.size() == 4 && port("--sport", operation, data.first(2)) &&
             port("--dport", operation, data.last(2));
    case Field::kOther:
      return false;
    default:
      break;
  }
  if (operation != NFT_CMP_EQ && !inverted) return false;
  switch (loaded.field) {
    case Field::kIn:
      return interface(in_, "-i", inverted, data);
    case Field::kOut:
      return interface(out_, "-o", inverted, data);
    case Field::kProtocol: {
      if (data.empty()) return false;
      const auto protocol = std::to_integer<std::uint8_t>(data[0]);
      if (!inverted) protocol_ = protocol;
      protocol_words_ = (inverted ? " ! -p " : " -p ") + protocol_text(protocol);
      return true;
    }
    case Field::kSource:
      return address(source_, "-s", loaded, inverted, data);
    case Field::kDestination:
      return address(destination_, "-d", loaded, inverted, data);
    case Field::kSourcePort:
    case Field::kDestinationPort:
    case Field::kBothPorts:
    case Field::kOther:
      break;
  }
  return false;
}

// iptables compares the NUL of a whole name as well.
bool RuleText::interface(std::string &to, const char *option, bool inverted, Bytes data) const {
  std::string name(reinterpret_cast<const char *>(data.data()), data.size());
  const std::size_t end = name.find('\0');
  name = end == std::string::npos ? name + '+' : name.substr(0, end);
  to = std::string(inverted ? " ! " : " ") + option + " " + name;
  return true;
}

bool RuleText::address(std::string &to, const char *option, const LoadedField &loaded,
                       bool inverted, Bytes data) const {
  std::array<std::uint8_t, 16> address = {};
  std::memcpy(address.data(), data.data(), std::min(address.size(), data.size()));
  to = address_text(option, table_.family, address.data(), loaded.mask.data(), inverted);
  return true;
}

std::string port_number(Bytes data) {
  return std::to_string(std::to_integer<int>(data[0]) << 8 | std::to_integer<int>(data[1]));
}

bool RuleText::ports(const char *option, bool inverted, const std::string &numbers) {
  if (protocol_ != IPPROTO_TCP && protocol_ != IPPROTO_UDP) return false;
  const std::string match = protocol_ == IPPROTO_TCP ? " -m tcp" : " -m udp";
  const std::size_t last = matches_.rfind(" -m ");
  if (last == std::string::npos || matches_.compare(last, match.size(), match) != 0) {
    matches_ += match;
  }
  if (inverted) matches_ += " !";
  matches_.append(" ").append(option).append(" ").append(numbers);
  return true;
}

// A range may come as two comparisons, and has one option.
bool RuleText::port(const char *option, std::uint32_t operation, Bytes data) {
  if (data.size() != 2) return false;
  const std::string number = port_number(data);
  static constexpr std::string_view kNoUpperBound = ":65535";
  switch (operation) {
    case NFT_CMP_EQ:
    case NFT_CMP_NEQ:
      return ports(option, operation == NFT_CMP_NEQ, number);
    case NFT_CMP_GTE:
      return ports(option, false, number + std::string(kNoUpperBound));
    case NFT_CMP_LTE:
      if (!matches_.ends_with(kNoUpperBound))
        return ports(option, false, std::string("0:") + number);
      matches_.resize(matches_.size() - kNoUpperBound.size() + 1);
      matches_ += number;
      return true;
    default:
      return false;
  }
}

bool RuleText::field_range(const LoadedField &loaded, bool inverted, Bytes from, Bytes to) {
  const bool is_source = loaded.field == Field::kSourcePort;
  if ((!is_source && loaded.field != Field::kDestinationPort) || from.size() != 2 ||
      to.size() != 2) {
    return false;
  }
  return ports(is_source ? "--sport" : "--dport", inverted,
               port_number(from) + ":" + port_number(to));
}

class Reader {
 public:
  Reader(const NftTable &table, std::string_view chain, Rule &rule)
      : table_(table), rule_(rule), marks_(rule), text_(table, chain) {}

  std::vector<NftJump> read(const nlattr *expressions);

 private:
  void expression(std::string_view name, const nlattr *data);

  void meta(const Attributes &of);
  void ct(const Attributes &of);
  void immediate(const Attributes &of);
  void bitwise(const Attributes &of);
  void byteorder(const Attributes &of);
  void cmp(const Attributes &of);
  void range(const Attributes &of);
  void lookup(const Attributes &of);
  void dynset(const Attributes &of);
  void hash(const Attributes &of);
  void payload(const Attributes &of);
  void socket(const Attributes &of);
  void fib(const Attributes &of);
  void xt(bool is_match, const Attributes &of);
  void verdict(const nlattr *data);

  void load_mark(Mark mark, std::uint32_t number);
  void write_mark(Mark mark, std::uint32_t number);
  // Something else is written from a register.
  void write_other(const std::string &what, std::uint32_t number);
  // `size` bytes that have to do with no mark.
  void load_other(std::uint32_t number, std::size_t size);
  void load_field(std::uint32_t number, Field field, std::size_t mask_bytes);
  void put(std::uint32_t number, Register value);

  const Register *at(std::uint32_t number) const;
  bool has_marks(std::uint32_t number, std::size_t size) const;
  // "meta mark . ...", the words of a concatenation.
  std::string words(std::uint32_t number, std::size_t size) const;
  // The words that iptables has for a comparison, if it has.
  void iptables_test(const Register &value, std::uint32_t compared, bool inverted);
  void compare_with_many(std::uint32_t number, std::size_t size, const std::string &statement);
  void other_match();

  const NftTable &table_;
  Rule &rule_;
  RuleMarks marks_;
  RuleText text_;
  std::array<std::optional<Register>, kRegisters> registers_;
  std::optional<std::pair<std::uint32_t, LoadedField>> field_;  // the last one, and its register
  std::vector<NftJump> further_jumps_;
  bool writes_natively_ = false;
  // "ct mark >= 0x5" becomes "ct mark 0x5-0x9" when "<= 0x9" follows.
  std::string lower_bound_;
};

std::vector<NftJump> Reader::read(const nlattr *expressions) {
  each_nested(expressions, [this](const nlattr &element) {
    const Attributes of(&element);
    expression(of.text(NFTA_EXPR_NAME), of[NFTA_EXPR_DATA]);
  });
  if (!rule_.tests.empty() || !rule_.writes.empty() || !rule_.unknown.empty() || rule_.mark_rule) {
    rule_.text = table_.is_of_iptables && !writes_natively_ ? text_.in_iptables() : text_.in_nft();
  }
  return std::move(further_jumps_);
}

void Reader::expression(std::string_view name, const nlattr *data) {
  const Attributes of(data);
  if (name == "meta") return meta(of);
  if (name == "ct") return ct(of);
  if (name == "immediate") return immediate(of);
  if (name == "bitwise") return bitwise(of);
  if (name == "byteorder") return byteorder(of);
  if (name == "cmp") return cmp(of);
  if (name == "range") return range(of);
  if (name == "lookup") return lookup(of);
  if (name == "dynset") return dynset(of);
  if (name == "hash") return hash(of);
  if (name == "payload") return payload(of);
  if (name == "socket") return socket(of);
  if (name == "fib") return fib(of);
  if (name == "match" || name == "target") return xt(name == "match", of);
  if (name == "counter" || name == "last") return;
  // LOG and NFLOG, which are targets in iptables.
  if (name == "log") return text_.iptables_target(" ...");
  if (name == "limit" || name == "quota" || name == "connlimit" || name == "objref") {
    return other_match();
  }
  static constexpr std::string_view kEnding[] = {"reject", "nat", "masq",    "redir",
                                                 "queue",  "fwd", "synproxy"};
  if (std::ranges::find(kEnding, name) != std::end(kEnding)) {
    rule_.outcome.verdict = Verdict::kAccept;
    text_.other();
    text_.iptables_target(" ...");
    return;
  }
  static constexpr std::string_view kWithoutRegister[] = {"tproxy", "dup", "notrack",
                                                          "flow_offload"};
  if (std::ranges::find(kWithoutRegister, name) != std::end(kWithoutRegister)) {
    return text_.other();
  }
  // Loads of 16 bytes at most, the register first.
  static constexpr std::string_view kLoads[] = {"rt", "numgen", "osf", "xfrm"};
  if (std::ranges::find(kLoads, name) != std::end(kLoads)) return load_other(of.number_be(1), 16);
  if (name == "tunnel") return load_other(of.number_be(2), kWord);
  // Whatever it is, it may have written any register.
  if (std::ranges::any_of(registers_, [](const auto &each) { return each && each->of_marks; })) {
    marks_.say(std::string(name) + " with " + words(NFT_REG_1, kRegisters * kWord));
  }
  registers_.fill(std::nullopt);
  field_.reset();
  other_match();
}

void Reader::other_match() {
  rule_.matches.push_back({});
  text_.other();
  text_.other_match();
}

void Reader::put(std::uint32_t number, Register value) {
  const std::size_t word = first_word(number);
  if (word < kRegisters) registers_[word] = std::move(value);
  if (field_ && field_->first == number) field_.reset();
}

void Reader::load_other(std::uint32_t number, std::size_t size) {
  const std::size_t first = first_word(number);
  const std::size_t end = std::min(kRegisters, first + (size + kWord - 1) / kWord);
  for (std::size_t word = first; word < end; ++word) registers_[word].reset();
  if (field_ && field_->first == number) field_.reset();
}

void Reader::load_field(std::uint32_t number, Field field, std::size_t mask_bytes) {
  LoadedField loaded{.field = field};
  std::fill_n(loaded.mask.begin(), std::min(mask_bytes, loaded.mask.size()), std::uint8_t{0xff});
  field_.emplace(number, loaded);
}

const Register *Reader::at(std::uint32_t number) const {
  const std::size_t word = first_word(number);
  return word < kRegisters && registers_[word] ? &*registers_[word] : nullptr;
}

bool Reader::has_marks(std::uint32_t number, std::size_t size) const {
  const std::size_t first = first_word(number);
  for (std::size_t word = first; word < std::min(kRegisters, first + (size + kWord - 1) / kWord);
       ++word) {
    if (registers_[word] && registers_[word]->of_marks) return true;
  }
  return false;
}

std::string Reader::words(std::uint32_t number, std::size_t size) const {
  const std::size_t first = first_word(number);
  std::string text;
  for (std::size_t word = first; word < std::min(kRegisters, first + (size + kWord - 1) / kWord);
       ++word) {
    const bool known = registers_[word] && registers_[word]->of_marks;
    if (!known && text.ends_with("...")) continue;
    if (!text.empty()) text += " . ";
    text += known ? registers_[word]->text : "...";
  }
  return text.empty() ? "..." : text;
}

void Reader::load_mark(Mark mark, std::uint32_t number) {
  put(number, {.value = marks_.now(mark), .text = nft_mark(mark), .of_marks = true});
}

void Reader::write_mark(Mark mark, std::uint32_t number) {
  writes_natively_ = true;
  const Register *const value = at(number);
  const std::string statement =
      std::string(nft_mark(mark)) + " set " + (value != nullptr ? value->text : "...");
  text_.nft(statement);
  if (value == nullptr) return marks_.write_unknown(mark, statement);
  if (value->value.unknown_bits() != 0) marks_.say(statement);
  marks_.write(mark, value->value);
}

void Reader::write_other(const std::string &what, std::uint32_t number) {
  if (!has_marks(number, kWord)) return text_.other();
  const std::string statement = what + " set " + words(number, kWord);
  text_.nft(statement);
  marks_.say(statement);
}

void Reader::meta(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_META_KEY);
  if (of[NFTA_META_SREG] != nullptr) {
    const std::uint32_t source = of.number_be(NFTA_META_SREG);
    if (key == NFT_META_MARK) return write_mark(Mark::kPacket, source);
    return write_other("meta ...", source);
  }
  const std::uint32_t destination = of.number_be(NFTA_META_DREG);
  if (key == NFT_META_MARK) return load_mark(Mark::kPacket, destination);
  load_other(destination, size_of_meta(key));
  if (key == NFT_META_IIFNAME) load_field(destination, Field::kIn, IFNAMSIZ);
  if (key == NFT_META_OIFNAME) load_field(destination, Field::kOut, IFNAMSIZ);
  if (key == NFT_META_L4PROTO) load_field(destination, Field::kProtocol, 1);
}

void Reader::ct(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_CT_KEY);
  if (of[NFTA_CT_SREG] != nullptr) {
    const std::uint32_t source = of.number_be(NFTA_CT_SREG);
    if (key == NFT_CT_MARK) return write_mark(Mark::kConnection, source);
    return write_other("ct ...", source);
  }
  const std::uint32_t destination = of.number_be(NFTA_CT_DREG);
  if (key == NFT_CT_MARK) return load_mark(Mark::kConnection, destination);
  load_other(destination, size_of_ct(key));
}

void Reader::immediate(const Attributes &of) {
  const std::uint32_t destination = of.number_be(NFTA_IMMEDIATE_DREG);
  if (destination == NFT_REG_VERDICT) return verdict(of[NFTA_IMMEDIATE_DATA]);
  const Bytes data = value_of(of[NFTA_IMMEDIATE_DATA]);
  load_other(destination, data.size());
  const std::size_t first = first_word(destination);
  for (std::size_t i = 0; i * kWord < data.size() && first + i < kRegisters; ++i) {
    const std::uint32_t number = word_at(data, i);
    registers_[first + i] =
        Register{.value = MarkExpression::constant(number), .text = hex(number)};
  }
}

std::string operand(const Register &value, Binding least) {
  return value.binding >= least ? value.text : "(" + value.text + ")";
}

// (source & mask) ^ flips, with the operator that a person would have written.
Register masked(const Register &source, std::uint32_t mask, std::uint32_t flips) {
  Register result = source;
  result.value = (source.value & MarkExpression::constant(mask)) ^ MarkExpression::constant(flips);
  const auto number = [&source](std::uint32_t value) {
    return hex(source.network_order ? swapped(value) : value);
  };
  if (mask == kAllBits && flips == 0) return result;
  if (mask == kAllBits) {
    result.text = operand(source, Binding::kXor) + " ^ " + number(flips);
    result.binding = Binding::kXor;
  } else if (flips == ~mask) {
    result.text = operand(source, Binding::kOr) + " | " + number(flips);
    result.binding = Binding::kOr;
  } else {
    result.text = operand(source, Binding::kAnd) + " & " + number(mask);
    result.binding = Binding::kAnd;
    if (flips != 0) {
      result.text += " ^ " + number(flips);
      result.binding = Binding::kXor;
    }
  }
  return result;
}

Register shifted_register(const Register &source, bool to_left, std::uint32_t bits) {
  Register result = source;
  result.value = to_left ? source.value << bits : source.value >> bits;
  result.text =
      operand(source, Binding::kShift) + (to_left ? " << " : " >> ") + std::to_string(bits);
  result.binding = Binding::kShift;
  return result;
}

Register joined(const Register &left, std::uint32_t operation, const Register &right) {
  Register result;
  result.of_marks = left.of_marks || right.of_marks;
  const char *sign = " ^ ";
  result.binding = Binding::kXor;
  if (operation == kBitwiseAnd) {
    result.value = left.value & right.value;
    sign = " & ";
    result.binding = Binding::kAnd;
  } else if (operation == kBitwiseOr) {
    result.value = left.value | right.value;
    sign = " | ";
    result.binding = Binding::kOr;
  } else {
    result.value = left.value ^ right.value;
  }
  // nft joins from the left: only the right side needs more than the same.
  const auto tighter = static_cast<Binding>(static_cast<std::uint8_t>(result.binding) + 1);
  result.text = operand(left, result.binding) + sign + operand(right, tighter);
  return result;
}

void Reader::bitwise(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_BITWISE_SREG);
  const std::uint32_t destination = of.number_be(NFTA_BITWISE_DREG);
  const std::uint32_t size = of.number_be(NFTA_BITWISE_LEN);
  const std::uint32_t operation = of.number_be(NFTA_BITWISE_OP);
  const Bytes mask = value_of(of[NFTA_BITWISE_MASK]);
  const Bytes flips = value_of(of[NFTA_BITWISE_XOR]);
  const bool has_second = of[kSecondSource] != nullptr;
  const std::uint32_t second = of.number_be(kSecondSource);

  if (field_ && field_->first == source && source == destination && operation == kBitwiseMaskXor &&
      mask.size() <= field_->second.mask.size()) {
    field_->second.mask.fill(0);
    std::memcpy(field_->second.mask.data(), mask.data(), mask.size());
  } else {
    field_.reset();
  }

  const std::size_t from = first_word(source);
  const std::size_t to = first_word(destination);
  const std::size_t other = first_word(second);
  const std::size_t count = (size + kWord - 1) / kWord;
  const Register something{.text = "..."};
  std::array<std::optional<Register>, kRegisters> results;
  for (std::size_t i = 0; i < count && from + i < kRegisters && to + i < kRegisters; ++i) {
    const Register *const left = registers_[from + i] ? &*registers_[from + i] : nullptr;
    const Register *right = has_second && other + i < kRegisters && registers_[other + i]
                                ? &*registers_[other + i]
                                : nullptr;
    const bool of_marks =
        (left != nullptr && left->of_marks) || (right != nullptr && right->of_marks);
    if (left == nullptr && right == nullptr) continue;
    if (operation == kBitwiseMaskXor && left != nullptr) {
      results[i] = masked(*left, word_at(mask, i), word_at(flips, i));
    } else if ((operation == NFT_BITWISE_LSHIFT || operation == NFT_BITWISE_RSHIFT) && count == 1 &&
               left != nullptr) {
      const std::uint32_t bits = word_at(value_of(of[NFTA_BITWISE_DATA]));
      results[i] = shifted_register(*left, operation == NFT_BITWISE_LSHIFT, bits);
    } else if (operation >= kBitwiseAnd && operation <= kBitwiseXor) {
      Register constant;
      if (!has_second) {
        const std::uint32_t number = word_at(value_of(of[NFTA_BITWISE_DATA]), i);
        constant.value = MarkExpression::constant(number);
        constant.text = hex(number);
        right = &constant;
      }
      results[i] = joined(left != nullptr ? *left : something, operation,
                          right != nullptr ? *right : something);
    } else if (of_marks) {
      const std::string text = words(source, size);
      results[i] = Register{.text = "...(" + text + ")", .of_marks = true};
    }
  }
  for (std::size_t i = 0; i < count && to + i < kRegisters; ++i) {
    registers_[to + i] = std::move(results[i]);
  }
}

void Reader::byteorder(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_BYTEORDER_SREG);
  const std::uint32_t destination = of.number_be(NFTA_BYTEORDER_DREG);
  const std::uint32_t size = of.number_be(NFTA_BYTEORDER_LEN);
  const Register *const value = at(source);
  if (value == nullptr || !has_marks(source, size)) return load_other(destination, size);
  Register result = *value;
  if (size == kWord && of.number_be(NFTA_BYTEORDER_SIZE) == kWord) {
    // Both directions do the same.
    result.value = swapped(value->value);
    result.network_order = !value->network_order;
  } else {
    result.value = MarkExpression::unknown();
    result.text = "...(" + words(source, size) + ")";
  }
  load_other(destination, size);
  put(destination, std::move(result));
}

const char *sign_of(std::uint32_t operation, Binding binding) {
  switch (operation) {
    case NFT_CMP_EQ:
      return binding == Binding::kAtom ? " " : " == ";
    case NFT_CMP_NEQ:
      return " != ";
    case NFT_CMP_LT:
      return " < ";
    case NFT_CMP_LTE:
      return " <= ";
    case NFT_CMP_GT:
      return " > ";
    case NFT_CMP_GTE:
      return " >= ";
    default:
      return " ? ";
  }
}

void Reader::compare_with_many(std::uint32_t number, std::size_t size,
                               const std::string &statement) {
  const std::size_t first = first_word(number);
  for (std::size_t word = first; word < std::min(kRegisters, first + (size + kWord - 1) / kWord);
       ++word) {
    if (!registers_[word] || !registers_[word]->of_marks) {
      rule_.matches.push_back({});
      continue;
    }
    marks_.test_with_many(registers_[word]->value);
    if (registers_[word]->value.unknown_bits() != 0) marks_.say(statement);
  }
}

void Reader::iptables_test(const Register &value, std::uint32_t compared, bool inverted) {
  for (const Mark mark : {Mark::kPacket, Mark::kConnection}) {
    std::uint32_t mask = 0;
    for (int i = 0; i < 32; ++i) {
      if (!value.value.bit(i).is_constant()) mask |= std::uint32_t{1} << i;
    }
    if (value.value != (MarkExpression::of(mark) & MarkExpression::constant(mask))) continue;
    std::string option = mark == Mark::kPacket ? " -m mark" : " -m connmark";
    if (inverted) option += " !";
    option.append(" --mark ").append(hex(compared));
    if (mask != kAllBits) option.append("/").append(hex(mask));
    return text_.iptables_match(option);
  }
  text_.other_match();
}

void Reader::cmp(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_CMP_SREG);
  const std::uint32_t operation = of.number_be(NFTA_CMP_OP);
  const Bytes data = value_of(of[NFTA_CMP_DATA]);
  const std::string lower_bound = std::exchange(lower_bound_, {});
  if (!has_marks(source, data.size())) {
    rule_.matches.push_back({});
    text_.other();
    if (!field_ || field_->first != source || !text_.field(field_->second, operation, data)) {
      text_.other_match();
    }
    return;
  }
  const Register *const value = at(source);
  if (value == nullptr || data.size() != kWord) {
    const std::string statement =
        words(source, data.size()) + sign_of(operation, Binding::kOr) + "...";
    text_.nft(statement);
    text_.other_match();
    return compare_with_many(source, data.size(), statement);
  }
  const std::uint32_t compared = word_at(data);
  const std::string number = hex(value->network_order ? swapped(compared) : compared);
  const std::string statement = value->text + sign_of(operation, value->binding) + number;
  const std::string range = value->text + " >= ";
  if (operation == NFT_CMP_LTE && lower_bound.starts_with(range)) {
    text_.replace_end(lower_bound, value->text + sign_of(NFT_CMP_EQ, value->binding) +
                                       lower_bound.substr(range.size()) + "-" + number);
  } else {
    text_.nft(statement);
  }
  if (operation == NFT_CMP_GTE) lower_bound_ = statement;
  if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ) {
    text_.other_match();
    return compare_with_many(source, kWord, statement);
  }
  iptables_test(*value, compared, operation == NFT_CMP_NEQ);
  if (value->value.unknown_bits() != 0) marks_.say(statement);
  marks_.test(value->value, compared, operation == NFT_CMP_NEQ);
}

void Reader::range(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_RANGE_SREG);
  const Bytes from = value_of(of[NFTA_RANGE_FROM_DATA]);
  const Bytes to = value_of(of[NFTA_RANGE_TO_DATA]);
  const bool inverted = of.number_be(NFTA_RANGE_OP) == NFT_RANGE_NEQ;
  if (!has_marks(source, from.size())) {
    rule_.matches.push_back({});
    text_.other();
    if (!field_ || field_->first != source ||
        !text_.field_range(field_->second, inverted, from, to)) {
      text_.other_match();
    }
    return;
  }
  const Register *const value = at(source);
  const auto number = [value](Bytes bytes) {
    const std::uint32_t bound = word_at(bytes);
    return hex(value != nullptr && value->network_order ? swapped(bound) : bound);
  };
  const std::string statement =
      words(source, from.size()) + (inverted ? " != " : " ") + number(from) + "-" + number(to);
  text_.nft(statement);
  text_.other_match();
  compare_with_many(source, from.size(), statement);
}

void Reader::lookup(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_LOOKUP_SREG);
  const std::string name(of.text(NFTA_LOOKUP_SET));
  const auto found = table_.sets.find(name);
  NftSet set;
  set.key_size = kWord;
  if (found != table_.sets.end()) set = found->second;
  const std::string set_words = set.is_anonymous ? "{ ... }" : "@" + name;
  const bool is_map = of[NFTA_LOOKUP_DREG] != nullptr;
  const std::uint32_t destination = of.number_be(NFTA_LOOKUP_DREG);
  const bool of_marks = has_marks(source, set.key_size);
  const bool is_verdict_map = is_map && destination == NFT_REG_VERDICT;
  const bool inverted = (of.number_be(NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
  const std::string statement = words(source, set.key_size) +
                                (is_verdict_map ? " vmap "
                                 : is_map       ? " map "
                                 : inverted     ? " != "
                                                : " ") +
                                set_words;
  if (of_marks) {
    compare_with_many(source, set.key_size, statement);
  } else {
    rule_.matches.push_back({});
  }
  if (is_verdict_map) {
    if (!set.jumps.empty()) {
      rule_.outcome = set.jumps.front().branch();
      further_jumps_.assign(set.jumps.begin() + 1, set.jumps.end());
    }
    return text_.nft(statement);
  }
  if (!is_map) {
    of_marks ? text_.nft(statement) : text_.other();
    return text_.other_match();
  }
  // What a map holds can change at any time, and is as long as its users make it.
  load_other(destination, 16);
  put(destination, {.text = statement, .of_marks = of_marks});
}

void Reader::dynset(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_DYNSET_SREG_KEY);
  const std::string name(of.text(NFTA_DYNSET_SET_NAME));
  const auto found = table_.sets.find(name);
  const std::size_t size = found != table_.sets.end() ? found->second.key_size : kWord;
  const bool has_data = of[NFTA_DYNSET_SREG_DATA] != nullptr;
  const std::uint32_t data = of.number_be(NFTA_DYNSET_SREG_DATA);
  // A set that is full ends the rule.
  rule_.matches.push_back({});
  if (!has_marks(key, size) && !(has_data && has_marks(data, kWord))) return other_match();
  const std::uint32_t operation = of.number_be(NFTA_DYNSET_OP);
  const char *const verb = operation == NFT_DYNSET_OP_ADD      ? "add"
                           : operation == NFT_DYNSET_OP_UPDATE ? "update"
                                                               : "delete";
  const std::string statement = std::string(verb) + " @" + name + " { " + words(key, size) +
                                (has_data ? " : " + words(data, kWord) : "") + " }";
  text_.nft(statement);
  marks_.say(statement);
}

void Reader::hash(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_HASH_SREG);
  const std::uint32_t destination = of.number_be(NFTA_HASH_DREG);
  const std::size_t size = of.number_be(NFTA_HASH_LEN);
  // A symmetric hash has no source, and its length is 0.
  const bool of_marks = has_marks(source, size);
  const std::string text = of_marks ? "jhash " + words(source, size) : "...";
  load_other(destination, kWord);
  if (of_marks) put(destination, {.text = text, .of_marks = true});
}

Field field_of(Family family, std::uint32_t base, std::uint32_t offset, std::uint32_t size) {
  if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
    if (offset == 0 && size == 2) return Field::kSourcePort;
    if (offset == 2 && size == 2) return Field::kDestinationPort;
    if (offset == 0 && size == 4) return Field::kBothPorts;
  }
  if (base != NFT_PAYLOAD_NETWORK_HEADER) return Field::kOther;
  // The protocol of iptables 1.8.11 and later.
  if (size == 1 && offset == (family == Family::kIpv6 ? 6 : 9)) return Field::kProtocol;
  if (family == Family::kIpv4 && size <= 4) {
    if (offset == 12) return Field::kSource;
    if (offset == 16) return Field::kDestination;
  }
  if (family == Family::kIpv6 && size <= 16) {
    if (offset == 8) return Field::kSource;
    if (offset == 24) return Field::kDestination;
  }
  return Field::kOther;
}

void Reader::payload(const Attributes &of) {
  const std::uint32_t size = of.number_be(NFTA_PAYLOAD_LEN);
  if (of[NFTA_PAYLOAD_SREG] != nullptr) {
    return write_other("...", of.number_be(NFTA_PAYLOAD_SREG));
  }
  const std::uint32_t destination = of.number_be(NFTA_PAYLOAD_DREG);
  load_other(destination, size);
  load_field(destination,
             field_of(table_.family, of.number_be(NFTA_PAYLOAD_BASE),
                      of.number_be(NFTA_PAYLOAD_OFFSET), size),
             size);
}

void Reader::socket(const Attributes &of) {
  const std::uint32_t destination = of.number_be(NFTA_SOCKET_DREG);
  load_other(destination, 8);
  if (of.number_be(NFTA_SOCKET_KEY) == NFT_SOCKET_MARK) put(destination, {.text = "socket mark"});
}

void Reader::fib(const Attributes &of) {
  load_other(of.number_be(NFTA_FIB_DREG), 16);
  if ((of.number_be(NFTA_FIB_FLAGS) & NFTA_FIB_F_MARK) != 0) marks_.say("fib ... . mark");
}

void Reader::xt(bool is_match, const Attributes &of) {
  static_assert(static_cast<int>(NFTA_MATCH_NAME) == static_cast<int>(NFTA_TARGET_NAME) &&
                static_cast<int>(NFTA_MATCH_REV) == static_cast<int>(NFTA_TARGET_REV) &&
                static_cast<int>(NFTA_MATCH_INFO) == static_cast<int>(NFTA_TARGET_INFO));
  const XtExtension extension{std::string(of.text(NFTA_MATCH_NAME)),
                              static_cast<std::uint8_t>(of.number_be(NFTA_MATCH_REV)),
                              bytes_of(of[NFTA_MATCH_INFO])};
  const bool of_marks = is_match
                            ? add_match({table_.family, text_.protocol()}, extension, rule_, marks_)
                            : add_target(extension, rule_, marks_);
  if (!table_.is_of_iptables) {
    if (!of_marks) return text_.other();
    // nft has no words of its own for it.
    const std::string words = is_match ? match_text(table_.family, 0, extension)
                                       : target_text(table_.family, 0, extension);
    return text_.nft(words.substr(1));
  }
  if (is_match) {
    text_.iptables_match(match_text(table_.family, text_.protocol(), extension));
  } else {
    text_.iptables_target(target_text(table_.family, text_.protocol(), extension));
  }
}

void Reader::verdict(const nlattr *data) {
  const Attributes of{Attributes(data)[NFTA_DATA_VERDICT]};
  const auto code = static_cast<std::int32_t>(of.number_be(NFTA_VERDICT_CODE));
  if (code == NFT_JUMP || code == NFT_GOTO) {
    const std::string chain(of.text(NFTA_VERDICT_CHAIN));
    rule_.outcome = NftJump{table_.chain(chain), code == NFT_GOTO}.branch();
    text_.nft((rule_.is_goto() ? "goto " : "jump ") + chain);
    return text_.iptables_target((rule_.is_goto() ? " -g " : " -j ") + chain);
  }
  if (code == NFT_CONTINUE || code == NFT_BREAK) return;
  rule_.outcome.verdict = Verdict::kAccept;
  const char *nft = "accept";
  const char *iptables = " -j ACCEPT";
  if (code == NFT_RETURN) {
    nft = "return";
    iptables = " -j RETURN";
  } else if ((code & NF_VERDICT_MASK) == NF_DROP) {
    nft = "drop";
    iptables = " -j DROP";
  } else if ((code & NF_VERDICT_MASK) == NF_QUEUE) {
    nft = "queue";
    iptables = " -j QUEUE";
  }
  text_.nft(nft);
  text_.iptables_target(iptables);
}

// NFTNL_UDATA_RULE_COMMENT of libnftnl: type, length, text with its NUL.
std::string comment_of(Bytes user_data) {
  while (user_data.size() >= 2) {
    const auto type = std::to_integer<std::size_t>(user_data[0]);
    const auto length = std::to_integer<std::size_t>(user_data[1]);
    if (length > user_data.size() - 2) break;
    if (type == 0) {
      const auto *const text = reinterpret_cast<const char *>(user_data.data() + 2);
      return {text, strnlen(text, length)};
    }
    user_data = user_data.subspan(2 + length);
  }
  return {};
}

}  // namespace

ChainIndex NftTable::chain(std::string_view name) const {
  const auto found = chains.find(std::string(name));
  return found != chains.end() ? found->second : kNoChain;
}

std::vector<NftJump> read_nft_rule(const NftTable &table, std::string_view chain,
                                   const nlattr *expressions, const nlattr *user_data, Rule &rule) {
  std::vector<NftJump> further_jumps = Reader(table, chain, rule).read(expressions);
  const std::string comment = comment_of(bytes_of(user_data));
  if (!comment.empty()) {
    rule.comment = comment;
    if (!rule.text.empty() && !table.is_of_iptables) rule.text += " comment " + quoted(comment);
  }
  return further_jumps;
}

bool has_xt_expression(const nlattr *expressions) {
  bool found = false;
  each_nested(expressions, [&found](const nlattr &element) {
    const std::string_view name = Attributes(&element).text(NFTA_EXPR_NAME);
    if (name == "match" || name == "target") found = true;
  });
  return found;
}

NftJump jump_of(const NftTable &table, const nlattr *data) {
  const Attributes of{Attributes(data)[NFTA_DATA_VERDICT]};
  const auto code = static_cast<std::int32_t>(of.number_be(NFTA_VERDICT_CODE));
  if (code != NFT_JUMP && code != NFT_GOTO) return {};
  return {table.chain(of.text(NFTA_VERDICT_CHAIN)), code == NFT_GOTO};
}

}  // namespace connmark
