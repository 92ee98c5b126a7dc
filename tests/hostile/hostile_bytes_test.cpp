// SPDX-License-Identifier: GPL-2.0-or-later
//
// Bytes that a current kernel refuses and an older one may hand back, given
// to the plugin by direct calls.  linked_plugin.h puts them before a page that
// must not be touched, so reading too far crashes.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/linked_plugin.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr char kUnknownModeText[] = " ERROR: UNKNOWN CONNMARK MODE";

// Offsets of revision 2; of revision 1 the first is the mode, the others padding.
constexpr std::size_t kShiftDir = 12;
constexpr std::size_t kShiftBits = 13;
constexpr std::size_t kMode = 14;
constexpr std::size_t kPadding = 15;

bool is_printable(const std::string &text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

WireBytes bytes_of(Revision revision, const Operation &op) {
  WireBytes bytes = {};
  encode_into(revision, op, bytes);
  return bytes;
}

WireBytes with(WireBytes bytes, std::size_t offset, int value) {
  bytes[offset] = static_cast<unsigned char>(value);
  return bytes;
}

std::size_t mode_offset(Revision revision) { return revision == Revision::k1 ? kShiftDir : kMode; }

// A line that iptables-save can hold: it begins with the blank that separates it
// from "-j CONNMARK", and a terminal shows it.
void expect_legible(const std::string &text) {
  EXPECT_TRUE(text.starts_with(' ')) << text;
  EXPECT_FALSE(text.ends_with(' ')) << text;
  EXPECT_TRUE(is_printable(text)) << testing::PrintToString(text);
}

TEST(HostileBytesTest, EveryUnknownModeIsNamedAsSuch) {
  for (const Revision revision : kRevisions) {
    for (int mode = 3; mode <= 255; ++mode) {
      SCOPED_TRACE(mode);
      const WireBytes bytes =
          with(bytes_of(revision, set_xmark(0x16, 0xff)), mode_offset(revision), mode);
      EXPECT_EQ(printed_by_save(revision, bytes), kUnknownModeText);
      EXPECT_EQ(printed_by_list(revision, bytes), kUnknownModeText);
      EXPECT_EQ(translated(revision, bytes), std::nullopt);
    }
  }
}

TEST(HostileBytesTest, AnUnknownDirectionIsLeft) {
  const WireBytes left =
      bytes_of(Revision::k2, with_shift(restore_mark(0xff00, 0xff), Direction::kLeft, 8));
  for (int direction = 2; direction <= 255; ++direction) {
    SCOPED_TRACE(direction);
    const WireBytes bytes = with(left, kShiftDir, direction);
    EXPECT_EQ(printed_by_save(Revision::k2, bytes),
              " --restore-mark --nfmask 0xff00 --ctmask 0xff --left-shift-mark 8");
    EXPECT_EQ(printed_by_list(Revision::k2, bytes),
              " CONNMARK restore ctmask 0xff nfmask ~0xff00 left-shift-mark 8");
    EXPECT_EQ(translated(Revision::k2, bytes), translated(Revision::k2, left));
  }
}

TEST(HostileBytesTest, AShiftAbove31IsPrintedAndHasNoTranslation) {
  const WireBytes set = bytes_of(Revision::k2, set_xmark(1));
  for (int bits = kMaxShiftBits + 1; bits <= 255; ++bits) {
    for (const int direction : {0, 1, 2}) {
      const WireBytes bytes = with(with(set, kShiftBits, bits), kShiftDir, direction);
      const std::string name = direction == 1 ? "right-shift-mark " : "left-shift-mark ";
      EXPECT_EQ(printed_by_save(Revision::k2, bytes),
                " --set-xmark 0x1/0xffffffff --" + name + std::to_string(bits));
      EXPECT_EQ(printed_by_list(Revision::k2, bytes),
                " CONNMARK set 0x1 " + name + std::to_string(bits));
      EXPECT_EQ(translated(Revision::k2, bytes), std::nullopt);
    }
  }
}

TEST(HostileBytesTest, PaddingIsNotLookedAt) {
  const Operation ops[] = {set_xmark(0x16, 0xff), save_mark(0xf, 0xf0), restore_mark()};
  for (const Operation &op : ops) {
    for (int value = 1; value <= 255; ++value) {
      const WireBytes clean1 = bytes_of(Revision::k1, op);
      const WireBytes dirty1 =
          with(with(with(clean1, kShiftBits, value), kMode, value), kPadding, value);
      EXPECT_EQ(printed_by_save(Revision::k1, dirty1), printed_by_save(Revision::k1, clean1));
      EXPECT_EQ(printed_by_list(Revision::k1, dirty1), printed_by_list(Revision::k1, clean1));
      EXPECT_EQ(translated(Revision::k1, dirty1), translated(Revision::k1, clean1));

      const WireBytes clean2 = bytes_of(Revision::k2, op);
      const WireBytes dirty2 = with(clean2, kPadding, value);
      EXPECT_EQ(printed_by_save(Revision::k2, dirty2), printed_by_save(Revision::k2, clean2));
      EXPECT_EQ(printed_by_list(Revision::k2, dirty2), printed_by_list(Revision::k2, clean2));
      EXPECT_EQ(translated(Revision::k2, dirty2), translated(Revision::k2, clean2));
    }
  }
}

// What the kernel does not read in a mode does not show in the translation: the
// value of a save or restore, the nfmask of a set, the direction of no shift.
TEST(HostileBytesTest, BytesWithoutEffectDoNotChangeTheTranslation) {
  for (const Revision revision : kRevisions) {
    Operation save = save_mark(0xf0, 0xf0);
    save.ctmark = 0xdeadbeef;
    EXPECT_EQ(translated(revision, bytes_of(revision, save)),
              translated(revision, bytes_of(revision, save_mark(0xf0, 0xf0))));
    Operation set = set_xmark(0x16, 0x16);
    set.nfmask = 0xdeadbeef;
    EXPECT_EQ(translated(revision, bytes_of(revision, set)),
              translated(revision, bytes_of(revision, set_xmark(0x16, 0x16))));
  }
  const WireBytes plain = bytes_of(Revision::k2, set_xmark(0, 0));
  for (const int direction : {1, 2, 255}) {
    EXPECT_EQ(translated(Revision::k2, with(plain, kShiftDir, direction)),
              translated(Revision::k2, plain));
  }
}

TEST(HostileBytesTest, EveryByteOfTheTailIsPrintedLegibly) {
  const int edges[] = {0, 1, 2, 3, 31, 32, 33, 127, 128, 255};
  const Operation ops[] = {set_xmark(kAllBits, 0x12345678), set_xmark(0, 0)};
  for (const Revision revision : kRevisions) {
    for (const Operation &op : ops) {
      for (const int direction : edges) {
        for (const int bits : edges) {
          for (const int mode : edges) {
            WireBytes bytes = bytes_of(revision, op);
            bytes = with(bytes, kShiftDir, direction);
            bytes = with(bytes, kShiftBits, bits);
            bytes = with(bytes, kMode, mode);
            expect_legible(printed_by_save(revision, bytes));
            expect_legible(printed_by_list(revision, bytes));
            EXPECT_TRUE(is_printable(translated(revision, bytes).value_or("")));
          }
        }
      }
    }
  }
}

TEST(HostileBytesTest, RandomBytesArePrintedLegibly) {
  RandomRules random(random_seed());
  RecordProperty("seed", std::to_string(random_seed()));
  for (int round = 0; round < 20000; ++round) {
    WireBytes bytes;
    for (unsigned char &byte : bytes) byte = static_cast<unsigned char>(random.below(256));
    if (random.one_in(2)) bytes[kShiftDir] &= 3;
    if (random.one_in(2)) bytes[kMode] &= 3;
    for (const Revision revision : kRevisions) {
      SCOPED_TRACE(testing::Message() << "seed " << random_seed() << ", round " << round);
      expect_legible(printed_by_save(revision, bytes));
      expect_legible(printed_by_list(revision, bytes));
      EXPECT_TRUE(is_printable(translated(revision, bytes).value_or("")));
    }
  }
}

}  // namespace
}  // namespace connmark::test
