// SPDX-License-Identifier: GPL-2.0-or-later
//
// The memory of nf_tables' machine: 16 registers of 4 bytes; the older four of 16
// bytes are the same memory.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "command/marks/mark_expression.h"
#include "command/rule_set/rule_marks.h"

namespace connmark::nft {

using Bytes = std::span<const std::byte>;

inline constexpr std::size_t kRegisters = 16;
inline constexpr std::size_t kWord = 4;

// The content of an attribute, which may be null.
Bytes bytes_of(const nlattr *attribute);
// NFTA_DATA_VALUE of nested data.
Bytes value_of(const nlattr *data);
// The 4 bytes of `word`, zero where there are fewer.
std::uint32_t word_at(Bytes bytes, std::size_t word = 0);
// Between the machine's order and the network's.
std::uint32_t swapped(std::uint32_t number);
MarkExpression swapped(const MarkExpression &value);

// How tightly nft binds what the words of a register end in.
enum class Binding : std::uint8_t { kOr, kXor, kAnd, kShift, kAtom };

// 4 bytes in terms of the marks before the rule.
struct Register {
  MarkExpression value = MarkExpression::unknown();
  std::string text = {};  // NOLINT(readability-redundant-member-init): designated initialisers
  Binding binding = Binding::kAtom;
  bool of_marks = false;       // some mark went into it
  bool of_connection = false;  // and for that the connection's was loaded
  bool network_order = false;  // the constants it is compared with are swapped
  bool has_no_bits = false;    // of something in network order that is no mark
  bool is_said = false;        // `text` is how nft would say it
  bool is_stable = true;       // the same at each look, for one packet
  MarkBits lost = {};          // bits of marks that went into it, and are not seen in `value`
  // What a packet may lack, which ends the rule.
  std::string missing = {};  // NOLINT(readability-redundant-member-init): designated initialisers

  // What is lost as soon as `value` says nothing.
  MarkBits sources() const { return lost | bits_of(value); }
};

// The value of an operation with both.
void join(Register &result, const Register &left, const Register &right);

class Registers {
 public:
  // `number` is one of enum nft_registers; `word` counts from there.
  void put(std::uint32_t number, Register value, std::size_t word = 0);
  // `size` bytes; the first 4 have these words, the rest belongs to them.
  void load(std::uint32_t number, std::size_t size, const Register &value);
  void clear() { registers_.fill(std::nullopt); }

  const Register *at(std::uint32_t number, std::size_t word = 0) const;
  bool has_marks(std::uint32_t number, std::size_t size) const;
  bool has_marks() const;
  // All of a key; with more than one word the value is unknown.
  Register key(std::uint32_t number, std::size_t size) const;
  // "meta mark . ...", the words of a concatenation; others than marks are left out.
  std::string words(std::uint32_t number, std::size_t size) const;

 private:
  std::array<std::optional<Register>, kRegisters> registers_;
};

// (source & mask) ^ flips, with the operator that a person would have written.
Register masked(const Register &source, std::uint32_t mask, std::uint32_t flips);
Register shifted(const Register &source, bool to_left, std::uint32_t bits);

// Of Linux 6.13 (nft_bitwise_ops); the headers may be older, and call the first
// NFT_BITWISE_BOOL.
inline constexpr std::uint32_t kBitwiseMaskXor = 0;
inline constexpr std::uint32_t kBitwiseAnd = 3;
inline constexpr std::uint32_t kBitwiseOr = 4;
inline constexpr std::uint32_t kBitwiseXor = 5;
// `operation` is one of the last three.
Register combined(const Register &left, std::uint32_t operation, const Register &right);

}  // namespace connmark::nft
