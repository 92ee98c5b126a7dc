// SPDX-License-Identifier: GPL-2.0-or-later
//
// Comparisons of marks; all others are matches of fields.
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <utility>

#include "command/output/number_text.h"
#include "command/read_kernel/nft/expression_reader.h"

namespace connmark::nft {
namespace {

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

// The first `size` bytes of a register in memory.
std::uint32_t first_bytes(std::size_t size) {
  const std::uint32_t mask = size >= kWord ? kAllBits : kAllBits << (8 * (kWord - size));
  return swapped(mask);
}

}  // namespace

void ExpressionReader::match_with_many(std::uint32_t number, std::size_t size, std::string words,
                                       bool inverted) {
  const Register key = registers_.key(number, size);
  if (!key.of_marks || key.value.unknown_bits() != 0) {
    add_match(rule_, other_match(std::move(words), inverted, key.is_stable));
  }
  marks_.test_with_many(key.value, key.lost);
  if (key.of_connection) marks_.need_connection();
}

void ExpressionReader::iptables_test(const Register &value, std::uint32_t compared, bool inverted) {
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

// A range may come as two comparisons, and is one match.
void ExpressionReader::match_unknown(const Register &value, std::uint32_t operation,
                                     std::uint32_t compared) {
  const auto bound = std::exchange(unknown_bound_, std::nullopt);
  if (value.value.unknown_bits() == 0) return;
  const std::string range = value.text + sign_of(NFT_CMP_GTE, Binding::kAtom);
  if (bound && operation == NFT_CMP_LTE && rule_.matches[*bound].text.starts_with(range)) {
    rule_.matches[*bound].text.append("-").append(hex(compared));
    return;
  }
  const bool inverted = operation == NFT_CMP_NEQ;
  const char *const sign = inverted ? " " : sign_of(operation, Binding::kAtom);
  const std::size_t before = rule_.matches.size();
  add_match(rule_, other_match(value.text + sign + hex(compared), inverted, value.is_stable));
  if (operation == NFT_CMP_GTE && rule_.matches.size() > before) unknown_bound_ = before;
}

void ExpressionReader::compare_marks(const Register &value, std::uint32_t operation, Bytes data) {
  const std::uint32_t compared = word_at(data);
  const bool is_equality = operation == NFT_CMP_EQ || operation == NFT_CMP_NEQ;
  const bool inverted = operation == NFT_CMP_NEQ;
  match_unknown(value, operation, compared);
  if (!is_equality || value.lost != MarkBits{}) {
    text_.other_match();
    marks_.test_with_many(value.value, value.lost);
  } else {
    const std::uint32_t mask = first_bytes(data.size());
    iptables_test(value, compared, inverted);
    marks_.test(value.value & MarkExpression::constant(mask), compared & mask, inverted);
  }
  if (value.of_connection) marks_.need_connection();
}

void ExpressionReader::cmp(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_CMP_SREG);
  const std::uint32_t operation = of.number_be(NFTA_CMP_OP);
  const Bytes data = value_of(of[NFTA_CMP_DATA]);
  const std::string lower_bound = std::exchange(lower_bound_, {});
  if (!registers_.has_marks(source, data.size())) {
    text_.other();
    if (!field_ || field_->first != source || !text_.field(field_->second, operation, data)) {
      text_.other_match();
    }
    return match_field(source, operation, data);
  }
  const Register *const value = registers_.at(source);
  if (value == nullptr || data.size() > kWord) {
    const std::string statement =
        registers_.words(source, data.size()) + sign_of(operation, Binding::kOr) + "...";
    text_.nft(statement);
    text_.other_match();
    return match_with_many(source, data.size(), statement, operation == NFT_CMP_NEQ);
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
  compare_marks(*value, operation, data);
}

void ExpressionReader::range(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_RANGE_SREG);
  const Bytes from = value_of(of[NFTA_RANGE_FROM_DATA]);
  const Bytes to = value_of(of[NFTA_RANGE_TO_DATA]);
  const bool inverted = of.number_be(NFTA_RANGE_OP) == NFT_RANGE_NEQ;
  if (!registers_.has_marks(source, from.size())) {
    text_.other();
    if (!field_ || field_->first != source ||
        !text_.field_range(field_->second, inverted, from, to)) {
      text_.other_match();
    }
    return match_range(source, inverted, from, to);
  }
  const Register *const value = registers_.at(source);
  const auto number = [value](Bytes bytes) {
    const std::uint32_t bound = word_at(bytes);
    return hex(value != nullptr && value->network_order ? swapped(bound) : bound);
  };
  const std::string words = registers_.words(source, from.size());
  const std::string bounds = number(from) + "-" + number(to);
  text_.nft(words + (inverted ? " != " : " ") + bounds);
  text_.other_match();
  match_with_many(source, from.size(), words + " " + bounds, inverted);
}

}  // namespace connmark::nft
