// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules for an nft that takes one mark on a right side, or no shift.
//
// A copy never reads the mark that it writes from another place than its own
// bit, so its rules may stand in any order behind the one that clears.  A shifted
// set operation reads the mark that it writes: its rules go through the bits in
// the direction in which a bit is read before it is written.
//
// For a packet without a connection no rule of CONNMARK may do anything.  nft ends
// a rule that reads such a packet's `ct mark`, and does nothing where it is to
// write it, so only the rule of a restore that clears has to ask.
#include "command/nft/nft_rules.h"

#include "command/marks/bit_effect.h"
#include "command/output/number_text.h"
#include "connmark/translate.h"

namespace connmark {
namespace {

constexpr Release kNftWithShifts{0, 9, 4};
constexpr Release kLinuxWithShifts{5, 6, 0};

constexpr const char *nft_name(Mark mark) {
  return mark == Mark::kConnection ? "ct mark" : "meta mark";
}

constexpr std::uint32_t one(int bit) { return std::uint32_t{1} << bit; }

bool contains(const std::string &text, const char *part) { return text.find(part) != text.npos; }

std::string set_to(Mark mark, const std::string &value) {
  return std::string(nft_name(mark)) + " set " + value;
}

std::string with(Mark mark, const char *operation, std::uint32_t bits) {
  return set_to(mark, std::string(nft_name(mark)) + " " + operation + " " + hex(bits));
}

std::string if_bit(Mark mark, int bit, bool is_set) {
  return std::string(nft_name(mark)) + " and " + hex(one(bit)) +
         " == " + hex(is_set ? one(bit) : 0) + " ";
}

// The bits for which `predicate` holds.
template <typename Predicate>
std::uint32_t bits_where(const BitEffects &effects, Predicate predicate) {
  std::uint32_t bits = 0;
  for (int bit = 0; bit < 32; ++bit) {
    if (predicate(bit, effects[static_cast<std::size_t>(bit)])) bits |= one(bit);
  }
  return bits;
}

std::vector<std::string> copy_bit_by_bit(Mark written, const BitEffects &effects) {
  std::vector<std::string> rules;
  const std::uint32_t cleared =
      bits_where(effects, [](int, const BitEffect &effect) { return effect.own < 0; });
  const std::string if_connection(written == Mark::kPacket ? kNftIfConnection : "");
  if (cleared == kAllBits) {
    rules.push_back(if_connection + set_to(written, "0x0"));
  } else if (cleared != 0) {
    rules.push_back(if_connection + with(written, "and", ~cleared));
  }
  for (int bit = 0; bit < 32; ++bit) {
    const BitEffect &effect = effects[static_cast<std::size_t>(bit)];
    if (effect.other < 0) continue;
    rules.push_back(if_bit(other(written), effect.other, true) +
                    with(written, effect.own < 0 ? "or" : "xor", one(bit)));
  }
  return rules;
}

std::vector<std::string> move_bit_by_bit(Mark written, const BitEffects &effects, bool to_right) {
  std::vector<std::string> rules;
  for (int i = 0; i < 32; ++i) {
    const int bit = to_right ? i : 31 - i;
    const BitEffect &effect = effects[static_cast<std::size_t>(bit)];
    if (effect.own < 0) continue;
    rules.push_back(if_bit(written, effect.own, !effect.inverted) + with(written, "or", one(bit)));
    rules.push_back(if_bit(written, effect.own, effect.inverted) + with(written, "and", ~one(bit)));
  }
  const auto is_constant = [](int, const BitEffect &effect) { return effect.own < 0; };
  const std::uint32_t constant = bits_where(effects, is_constant);
  const std::uint32_t set = bits_where(
      effects, [](int, const BitEffect &effect) { return effect.own < 0 && effect.inverted; });
  rules.push_back(with(written, "and", ~constant));
  if (set != 0) rules.push_back(with(written, "or", set));
  return rules;
}

}  // namespace

NftNeeds needs_of(const std::string &statement) {
  constexpr std::string_view kBeforeRightSide = " set ";
  const std::string right_side =
      statement.substr(statement.find(kBeforeRightSide) + kBeforeRightSide.size());
  if (contains(right_side, "ct mark") && contains(right_side, "meta mark")) {
    return {kNftWithTwoSources, kLinuxWithTwoSources};
  }
  if (contains(right_side, "<<") || contains(right_side, ">>")) {
    return {kNftWithShifts, kLinuxWithShifts};
  }
  return {};
}

std::string nft_statement(const MarkRule &rule) {
  TextBuffer text;
  translate(rule.op, text);
  std::string statement(text.view());
  if (rule.target == Target::kConnmark) return statement;
  const std::string connection = nft_name(Mark::kConnection);
  const std::string packet = nft_name(Mark::kPacket);
  for (std::size_t at = 0; (at = statement.find(connection, at)) != statement.npos;
       at += packet.size()) {
    statement.replace(at, connection.size(), packet);
  }
  return statement;
}

std::vector<std::string> nft_rules(const MarkRule &rule, const Release &nft) {
  const std::string statement = nft_statement(rule);
  const NftNeeds needs = needs_of(statement);
  if (!needs.nft || nft >= *needs.nft) return {statement};
  const Mark written = written_mark(rule);
  const BitEffects effects = bit_effects(rule);
  if (rule.op.mode == Mode::kSet) {
    return move_bit_by_bit(written, effects, rule.op.shift.direction == Direction::kRight);
  }
  return copy_bit_by_bit(written, effects);
}

}  // namespace connmark
