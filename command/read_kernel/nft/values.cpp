// SPDX-License-Identifier: GPL-2.0-or-later
//
// What becomes of registers.
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "command/output/number_text.h"
#include "command/read_kernel/nft/expression_reader.h"

namespace connmark::nft {
namespace {

// nft_bitwise_attributes of Linux 6.13.
constexpr std::size_t kSecondSource = 8;

}  // namespace

void ExpressionReader::immediate(const Attributes &of) {
  const std::uint32_t destination = of.number_be(NFTA_IMMEDIATE_DREG);
  if (destination == NFT_REG_VERDICT) return verdict(of[NFTA_IMMEDIATE_DATA]);
  const Bytes data = value_of(of[NFTA_IMMEDIATE_DATA]);
  load_other(destination, data.size(), {});
  for (std::size_t i = 0; i * kWord < std::min(data.size(), kRegisters * kWord); ++i) {
    const std::uint32_t number = word_at(data, i);
    registers_.put(
        destination,
        {.value = MarkExpression::constant(number), .text = hex(number), .is_said = true}, i);
  }
}

std::optional<Register> ExpressionReader::bitwise_word(const Attributes &of, std::size_t word,
                                                       std::size_t count) {
  const std::uint32_t source = of.number_be(NFTA_BITWISE_SREG);
  const std::uint32_t operation = of.number_be(NFTA_BITWISE_OP);
  const Register *const left = registers_.at(source, word);
  const bool has_second = of[kSecondSource] != nullptr;
  const Register *right = has_second ? registers_.at(of.number_be(kSecondSource), word) : nullptr;
  if (left == nullptr && right == nullptr) return std::nullopt;
  const Bytes data = value_of(of[NFTA_BITWISE_DATA]);
  if (operation == kBitwiseMaskXor && left != nullptr) {
    return masked(*left, word_at(value_of(of[NFTA_BITWISE_MASK]), word),
                  word_at(value_of(of[NFTA_BITWISE_XOR]), word));
  }
  const bool to_left = operation == NFT_BITWISE_LSHIFT;
  if ((to_left || operation == NFT_BITWISE_RSHIFT) && count == 1 && left != nullptr) {
    return shifted(*left, to_left, word_at(data));
  }
  const Register something{.text = "..."};
  if (operation >= kBitwiseAnd && operation <= kBitwiseXor) {
    Register constant;
    if (!has_second) {
      const std::uint32_t number = word_at(data, word);
      constant.value = MarkExpression::constant(number);
      constant.text = hex(number);
      constant.is_said = true;
      right = &constant;
    }
    return combined(left != nullptr ? *left : something, operation,
                    right != nullptr ? *right : something);
  }
  Register result;
  join(result, left != nullptr ? *left : something, right != nullptr ? *right : something);
  result.text = "...(" + registers_.words(source, of.number_be(NFTA_BITWISE_LEN)) + ")";
  result.is_said = true;
  return result;
}

void ExpressionReader::bitwise(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_BITWISE_SREG);
  const std::uint32_t destination = of.number_be(NFTA_BITWISE_DREG);
  const std::size_t count =
      std::min<std::size_t>(kRegisters, (of.number_be(NFTA_BITWISE_LEN) + kWord - 1) / kWord);
  const Bytes mask = value_of(of[NFTA_BITWISE_MASK]);
  const Bytes flips = value_of(of[NFTA_BITWISE_XOR]);
  const bool is_plain_mask =
      of.number_be(NFTA_BITWISE_OP) == kBitwiseMaskXor &&
      std::ranges::all_of(flips, [](std::byte each) { return each == std::byte{0}; });
  if (field_ && field_->first == source && source == destination && is_plain_mask &&
      !field_->second.is_masked && mask.size() <= field_->second.mask.size()) {
    field_->second.mask.fill(0);
    if (!mask.empty()) std::memcpy(field_->second.mask.data(), mask.data(), mask.size());
    field_->second.is_masked = true;
  } else {
    field_.reset();
  }
  std::array<std::optional<Register>, kRegisters> results;
  for (std::size_t word = 0; word < count; ++word) results[word] = bitwise_word(of, word, count);
  for (std::size_t word = 0; word < count; ++word) {
    registers_.put(destination, results[word] ? std::move(*results[word]) : Register{}, word);
  }
}

void ExpressionReader::byteorder(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_BYTEORDER_SREG);
  const std::uint32_t destination = of.number_be(NFTA_BYTEORDER_DREG);
  const std::uint32_t size = of.number_be(NFTA_BYTEORDER_LEN);
  std::optional<std::pair<std::uint32_t, LoadedField>> field;
  if (field_ && field_->first == source && source == destination) field = field_;
  Register result = registers_.key(source, size);
  if (size == kWord && of.number_be(NFTA_BYTEORDER_SIZE) == kWord) {
    // Both directions do the same.
    result.value = swapped(result.value);
    result.network_order = !result.network_order;
  } else {
    result.lost = result.sources();
    result.value = MarkExpression::unknown();
    if (result.of_marks) result.text = "...(" + registers_.words(source, size) + ")";
  }
  load_other(destination, size, std::move(result));
  if (field && (field->second.size == size)) {
    field->second.host_order = !field->second.host_order;
    field_ = std::move(field);
  }
}

void ExpressionReader::hash(const Attributes &of) {
  // A symmetric hash has no source, and its length is 0.
  const bool is_symmetric = of.number_be(NFTA_HASH_TYPE) == NFT_HASH_SYM;
  Register result;
  if (!is_symmetric) {
    result = registers_.key(of.number_be(NFTA_HASH_SREG), of.number_be(NFTA_HASH_LEN));
    result.lost = result.sources();
  }
  const std::string source =
      result.of_marks ? registers_.words(of.number_be(NFTA_HASH_SREG), of.number_be(NFTA_HASH_LEN))
                      : result.text + " " +
                            numbers_of(of, {NFTA_HASH_MODULUS, NFTA_HASH_SEED, NFTA_HASH_OFFSET});
  result.value = MarkExpression::unknown();
  result.is_said = result.of_marks;
  result.text = (is_symmetric ? "symhash " : "jhash ") + source;
  result.binding = Binding::kAtom;
  result.network_order = false;
  result.has_no_bits = false;
  load_other(of.number_be(NFTA_HASH_DREG), kWord, std::move(result));
}

void ExpressionReader::lookup(const Attributes &of) {
  const std::uint32_t source = of.number_be(NFTA_LOOKUP_SREG);
  const std::string name(of.text(NFTA_LOOKUP_SET));
  const auto found = table_.sets.find(name);
  const NftSet *const set = found != table_.sets.end() ? &found->second : nullptr;
  const std::size_t size = set != nullptr ? set->key_size : kWord;
  const bool is_anonymous = set != nullptr && set->is_anonymous;
  const bool is_map = of[NFTA_LOOKUP_DREG] != nullptr;
  const std::uint32_t destination = of.number_be(NFTA_LOOKUP_DREG);
  const bool is_verdict_map = is_map && destination == NFT_REG_VERDICT;
  const bool inverted = (of.number_be(NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
  const Register key = registers_.key(source, size);
  const char *const word = is_verdict_map ? " vmap " : is_map ? " map " : " ";
  const std::string statement = registers_.words(source, size) +
                                (inverted && !is_map ? " != " : word) +
                                (is_anonymous ? "{ ... }" : "@" + name);
  add_protocol_of_option(source, false, {});
  const std::size_t before = rule_.matches.size();
  // The name of a set that has none tells it from others, too.
  match_with_many(source, size, key.text + word + "@" + name, inverted);
  if (rule_.matches.size() > before && !is_anonymous &&
      rule_.matches[before].attribute == Attribute::kOther) {
    sets_.lookups.emplace_back(static_cast<std::uint32_t>(before), name);
  }
  if (is_verdict_map) {
    if (set != nullptr && set->branches != nullptr && !set->branches->empty()) {
      rule_.branches = set->branches;
    }
    return text_.nft(statement);
  }
  if (!is_map) {
    key.of_marks ? text_.nft(statement) : text_.other();
    return text_.other_match();
  }
  // What a map holds can change at any time, and is as long as its users make it.
  load_other(destination, 16,
             {.text = statement,
              .of_marks = key.of_marks,
              .is_said = true,
              .is_stable = key.is_stable,
              .lost = key.sources()});
}

}  // namespace connmark::nft
