// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "print_operation.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using Bytes = std::array<unsigned char, kWireSize>;

constexpr int kRandomRules = 20000;
constexpr unsigned char kCanary = 0xa5;

// Where the fields stand, by the kernel's header.
constexpr std::size_t kModeOfRevision1 = 12;
constexpr std::size_t kShiftDir = 12;
constexpr std::size_t kShiftBits = 13;
constexpr std::size_t kModeOfRevision2 = 14;

void put(Bytes &bytes, std::size_t offset, std::uint32_t value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

// The three marks, and zeros behind them.
Bytes marks(std::uint32_t ctmark, std::uint32_t ctmask, std::uint32_t nfmask) {
  Bytes bytes{};
  put(bytes, 0, ctmark);
  put(bytes, 4, ctmask);
  put(bytes, 8, nfmask);
  return bytes;
}

Bytes random_bytes(RandomRules &random) {
  Bytes bytes;
  for (unsigned char &byte : bytes) byte = static_cast<unsigned char>(random.below(256));
  return bytes;
}

constexpr Operation kSample{
    Mode::kRestore, 0x11121314, 0x21222324, 0x31323334, {Direction::kRight, 7}};

constexpr Operation without_shift(Operation op) {
  op.shift = {};
  return op;
}

template <Revision revision>
void expect_only_the_fields_are_written(std::size_t fields) {
  for (std::size_t offset = 0; offset < 16; ++offset) {
    std::vector<unsigned char> memory(3 * kWireSize, kCanary);
    encode<revision>(kSample, memory.data() + offset);
    for (std::size_t i = 0; i < memory.size(); ++i) {
      if (i >= offset && i < offset + fields) {
        EXPECT_NE(memory[i], kCanary) << "byte " << i << " at offset " << offset;
      } else {
        EXPECT_EQ(memory[i], kCanary) << "byte " << i << " at offset " << offset;
      }
    }
    EXPECT_EQ(decode<revision>(memory.data() + offset),
              revision == Revision::k2 ? kSample : without_shift(kSample));
  }
}

TEST(EncodeTest, Revision1PutsTheModeBehindTheMarks) {
  Bytes expected = marks(0x11121314, 0x21222324, 0x31323334);
  expected[kModeOfRevision1] = 2;
  Bytes bytes{};
  encode<Revision::k1>(kSample, bytes.data());
  EXPECT_EQ(bytes, expected);
}

TEST(EncodeTest, Revision2PutsTheShiftBeforeTheMode) {
  Bytes expected = marks(0x11121314, 0x21222324, 0x31323334);
  expected[kShiftDir] = 1;
  expected[kShiftBits] = 7;
  expected[kModeOfRevision2] = 2;
  Bytes bytes{};
  encode<Revision::k2>(kSample, bytes.data());
  EXPECT_EQ(bytes, expected);
}

TEST(EncodeTest, LeavesPaddingAndNeighboursAloneAtAnyAddress) {
  expect_only_the_fields_are_written<Revision::k1>(13);
  expect_only_the_fields_are_written<Revision::k2>(15);
}

TEST(DecodeTest, ReadsEveryModeByte) {
  for (unsigned mode = 0; mode < 256; ++mode) {
    Bytes bytes = marks(1, 2, 3);
    bytes[kModeOfRevision1] = static_cast<unsigned char>(mode);
    EXPECT_EQ(decode<Revision::k1>(bytes.data()),
              (Operation{static_cast<Mode>(mode), 1, 2, 3, {}}));
    bytes = marks(1, 2, 3);
    bytes[kModeOfRevision2] = static_cast<unsigned char>(mode);
    EXPECT_EQ(decode<Revision::k2>(bytes.data()),
              (Operation{static_cast<Mode>(mode), 1, 2, 3, {}}));
  }
}

TEST(DecodeTest, ReadsEveryDirectionAsItIs) {
  for (unsigned direction = 0; direction < 256; ++direction) {
    Bytes bytes = marks(1, 2, 3);
    bytes[kShiftDir] = static_cast<unsigned char>(direction);
    bytes[kShiftBits] = 9;
    EXPECT_EQ(decode<Revision::k2>(bytes.data()).shift,
              (Shift{static_cast<Direction>(direction), 9}))
        << direction;
  }
}

TEST(DecodeTest, ReadsEveryNumberOfBits) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    Bytes bytes = marks(1, 2, 3);
    bytes[kShiftBits] = static_cast<unsigned char>(bits);
    EXPECT_EQ(decode<Revision::k2>(bytes.data()).shift.bits, bits);
  }
}

TEST(DecodeTest, DoesNotLookAtPadding) {
  for (unsigned padding = 0; padding < 256; ++padding) {
    Bytes bytes = marks(1, 2, 3);
    std::fill(bytes.begin() + 13, bytes.end(), static_cast<unsigned char>(padding));
    EXPECT_EQ(decode<Revision::k1>(bytes.data()), (Operation{Mode::kSet, 1, 2, 3, {}}));
    bytes[kShiftBits] = 0;
    bytes[kModeOfRevision2] = 0;
    EXPECT_EQ(decode<Revision::k2>(bytes.data()), (Operation{Mode::kSet, 1, 2, 3, {}}));
  }
}

TEST(WireTest, DecodeReturnsWhatWasEncoded) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomRules; ++i) {
    Operation op = random.operation();
    op.mode = static_cast<Mode>(random.below(256));
    op.shift.bits = static_cast<std::uint8_t>(random.below(256));
    Bytes bytes = random_bytes(random);
    encode<Revision::k2>(op, bytes.data());
    ASSERT_EQ(decode<Revision::k2>(bytes.data()), op) << "CONNMARK_SEED=" << seed;
    encode<Revision::k1>(op, bytes.data());
    ASSERT_EQ(decode<Revision::k1>(bytes.data()), without_shift(op)) << "CONNMARK_SEED=" << seed;
  }
}

TEST(WireTest, EncodeReturnsTheBytesThatWereDecoded) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < kRandomRules; ++i) {
    const Bytes before = random_bytes(random);
    Bytes bytes = before;
    encode<Revision::k1>(decode<Revision::k1>(before.data()), bytes.data());
    ASSERT_EQ(bytes, before) << "CONNMARK_SEED=" << seed;

    encode<Revision::k2>(decode<Revision::k2>(before.data()), bytes.data());
    ASSERT_EQ(bytes, before) << "CONNMARK_SEED=" << seed;
  }
}

}  // namespace
}  // namespace connmark::test
