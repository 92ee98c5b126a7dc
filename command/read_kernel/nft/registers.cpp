// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/nft/registers.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "command/output/number_text.h"
#include "command/read_kernel/netlink.h"

namespace connmark::nft {
namespace {

constexpr std::uint32_t kOldRegisters = 4;  // NFT_REG_1 to NFT_REG_4

// The first of the 4-byte registers that `number` names, or kRegisters.
std::size_t first_word(std::uint32_t number) {
  if (number >= NFT_REG_1 && number <= kOldRegisters) return (number - NFT_REG_1) * kWord;
  if (number >= NFT_REG32_00 && number < NFT_REG32_00 + kRegisters) return number - NFT_REG32_00;
  return kRegisters;
}

std::size_t words_in(std::size_t size) { return (size + kWord - 1) / kWord; }

std::string operand(const Register &value, Binding least) {
  return value.binding >= least ? value.text : "(" + value.text + ")";
}

}  // namespace

Bytes bytes_of(const nlattr *attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const std::byte *>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

Bytes value_of(const nlattr *data) { return bytes_of(Attributes(data)[NFTA_DATA_VALUE]); }

std::uint32_t word_at(Bytes bytes, std::size_t word) {
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

void join(Register &result, const Register &left, const Register &right) {
  result.of_marks = left.of_marks || right.of_marks;
  result.is_said = left.is_said && right.is_said;
  result.of_connection = left.of_connection || right.of_connection;
  result.network_order = left.network_order;
  result.has_no_bits = left.has_no_bits || right.has_no_bits;
  result.is_stable = left.is_stable && right.is_stable;
  result.lost = left.lost | right.lost;
  result.missing = left.missing;
  if (!left.missing.empty() && !right.missing.empty()) result.missing += " . ";
  result.missing += right.missing;
  if (result.has_no_bits) result.value = MarkExpression::unknown();
  if (result.value.unknown_bits() != 0) {
    result.lost = result.lost | left.sources() | right.sources();
  }
}

void Registers::put(std::uint32_t number, Register value, std::size_t word) {
  const std::size_t at = first_word(number) + word;
  if (at < kRegisters) registers_[at] = std::move(value);
}

void Registers::load(std::uint32_t number, std::size_t size, const Register &value) {
  const std::size_t first = first_word(number);
  const std::size_t end = std::min(kRegisters, first + words_in(size));
  for (std::size_t word = first; word < end; ++word) registers_[word].emplace();
  if (first < end) registers_[first] = value;
}

const Register *Registers::at(std::uint32_t number, std::size_t word) const {
  const std::size_t at = first_word(number) + word;
  return at < kRegisters && registers_[at] ? &*registers_[at] : nullptr;
}

bool Registers::has_marks(std::uint32_t number, std::size_t size) const {
  for (std::size_t word = 0; word < std::min(kRegisters, words_in(size)); ++word) {
    const Register *const each = at(number, word);
    if (each != nullptr && each->of_marks) return true;
  }
  return false;
}

bool Registers::has_marks() const {
  return std::ranges::any_of(registers_, [](const auto &each) { return each && each->of_marks; });
}

Register Registers::key(std::uint32_t number, std::size_t size) const {
  const std::size_t count = std::min(kRegisters, words_in(size));
  const Register *const first = at(number);
  if (count <= 1) return first != nullptr ? *first : Register{};
  Register result;
  for (std::size_t word = 0; word < count; ++word) {
    const Register *const each = at(number, word);
    if (each == nullptr) continue;
    const std::string text = std::exchange(result.text, {});
    join(result, Register(result), *each);
    result.text = text;
    if (each->text.empty()) continue;
    if (!result.text.empty()) result.text += " . ";
    result.text += each->text;
  }
  return result;
}

std::string Registers::words(std::uint32_t number, std::size_t size) const {
  std::string text;
  for (std::size_t word = 0; word < std::min(kRegisters, words_in(size)); ++word) {
    const Register *const each = at(number, word);
    const bool known = each != nullptr && each->of_marks;
    if (!known && text.ends_with("...")) continue;
    if (!text.empty()) text += " . ";
    text += known ? each->text : "...";
  }
  return text.empty() ? "..." : text;
}

Register masked(const Register &source, std::uint32_t mask, std::uint32_t flips) {
  Register result = source;
  result.value = (source.value & MarkExpression::constant(mask)) ^ MarkExpression::constant(flips);
  if (source.has_no_bits) result.value = MarkExpression::unknown();
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

Register shifted(const Register &source, bool to_left, std::uint32_t bits) {
  Register result = source;
  result.value = to_left ? source.value << bits : source.value >> bits;
  if (source.has_no_bits) result.value = MarkExpression::unknown();
  result.text =
      operand(source, Binding::kShift) + (to_left ? " << " : " >> ") + std::to_string(bits);
  result.binding = Binding::kShift;
  return result;
}

Register combined(const Register &left, std::uint32_t operation, const Register &right) {
  Register result;
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
  join(result, left, right);
  return result;
}

}  // namespace connmark::nft
