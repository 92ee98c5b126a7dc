// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "print_operation.h"
#include "support/command.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

std::string list(const Operation &op) { return std::string(list_text(op).view()); }

std::uint32_t number(const std::string &word) {
  return static_cast<std::uint32_t>(std::stoul(word, nullptr, 0));
}

// The operation that a person would take the text for.
Operation read(const std::string &text) {
  std::vector<std::string> word = words(text);
  Shift shift;
  if (word.size() > 3 && word[word.size() - 2].ends_with("-shift-mark")) {
    shift.direction =
        word[word.size() - 2].starts_with("right") ? Direction::kRight : Direction::kLeft;
    shift.bits = static_cast<std::uint8_t>(number(word.back()));
    word.resize(word.size() - 2);
  }
  Operation op;
  const std::string &name = word.at(1);
  if (name == "save" || name == "restore") {
    op.mode = name == "save" ? Mode::kSave : Mode::kRestore;
    for (std::size_t i = 2; i + 1 < word.size(); i += 2) {
      const std::uint32_t mask = number(word[i + 1].substr(word[i + 1].starts_with('~') ? 1 : 0));
      if (word[i] == "mask" || word[i] == "nfmask") op.nfmask = mask;
      if (word[i] == "mask" || word[i] == "ctmask") op.ctmask = mask;
    }
  } else {
    const std::uint32_t value = number(word.at(2));
    if (name == "and") op = and_mark(value);
    if (name == "or") op = or_mark(value);
    if (name == "xor") op = xor_mark(value);
    if (name == "set") op = set_mark(value);
    if (name == "xset") op = set_xmark(value, number(word.at(2).substr(word.at(2).find('/') + 1)));
  }
  op.shift = shift;
  return op;
}

TEST(ListTest, NamesSetOperationsByTheirShortestName) {
  EXPECT_EQ(list(set_mark(0x1)), " CONNMARK set 0x1");
  EXPECT_EQ(list(and_mark(0xff)), " CONNMARK and 0xff");
  EXPECT_EQ(list(or_mark(0xff)), " CONNMARK or 0xff");
  EXPECT_EQ(list(xor_mark(0xff)), " CONNMARK xor 0xff");
  EXPECT_EQ(list(set_xmark(0x1, 0xff)), " CONNMARK xset 0x1/0xff");
  EXPECT_EQ(list(set_mark(0x1, 0xf0)), " CONNMARK xset 0x1/0xf1");
}

// One operation can have several names; iptables -L has always shown these.
TEST(ListTest, PrefersAndToOrToXorToSet) {
  EXPECT_EQ(list(set_mark(0)), " CONNMARK and 0x0");
  EXPECT_EQ(list(xor_mark(0)), " CONNMARK and 0xffffffff");
  EXPECT_EQ(list(set_mark(0xffffffff)), " CONNMARK or 0xffffffff");
  EXPECT_EQ(list(xor_mark(0xffffffff)), " CONNMARK xor 0xffffffff");
}

TEST(ListTest, ShowsTheMasksOfSaveSourceFirst) {
  EXPECT_EQ(list(save_mark()), " CONNMARK save");
  EXPECT_EQ(list(save_mark(0xff, 0xff)), " CONNMARK save mask 0xff");
  EXPECT_EQ(list(save_mark(0, 0)), " CONNMARK save mask 0x0");
  EXPECT_EQ(list(save_mark(0xff, 0xffff)), " CONNMARK save nfmask 0xff ctmask ~0xffff");
  EXPECT_EQ(list(save_mark(0xffffffff, 0)), " CONNMARK save nfmask 0xffffffff ctmask ~0x0");
}

TEST(ListTest, ShowsTheMasksOfRestoreSourceFirst) {
  EXPECT_EQ(list(restore_mark()), " CONNMARK restore");
  EXPECT_EQ(list(restore_mark(0xff, 0xff)), " CONNMARK restore mask 0xff");
  EXPECT_EQ(list(restore_mark(0, 0)), " CONNMARK restore mask 0x0");
  EXPECT_EQ(list(restore_mark(0xff, 0xffff)), " CONNMARK restore ctmask 0xffff nfmask ~0xff");
  EXPECT_EQ(list(restore_mark(0xffffffff, 0)), " CONNMARK restore ctmask 0x0 nfmask ~0xffffffff");
}

TEST(ListTest, ShowsTheShiftLast) {
  EXPECT_EQ(list(with_shift(set_mark(0x1), Direction::kLeft, 1)),
            " CONNMARK set 0x1 left-shift-mark 1");
  EXPECT_EQ(list(with_shift(save_mark(), Direction::kRight, 31)),
            " CONNMARK save right-shift-mark 31");
  EXPECT_EQ(list(with_shift(restore_mark(0xff, 0xff), Direction::kLeft, 10)),
            " CONNMARK restore mask 0xff left-shift-mark 10");
}

TEST(ListTest, LeavesOutAZeroShift) {
  Operation op = set_mark(0x1);
  op.shift = {Direction::kRight, 0};
  EXPECT_EQ(list(op), " CONNMARK set 0x1");
}

TEST(ListTest, ShowsAShiftThatTheKernelWouldRefuse) {
  EXPECT_EQ(list(with_shift(save_mark(), Direction::kLeft, 255)),
            " CONNMARK save left-shift-mark 255");
}

TEST(ListTest, NamesNoOtherOperation) {
  for (std::uint32_t value = 0; value < 16; ++value) {
    for (std::uint32_t mask = 0; mask < 16; ++mask) {
      for (const Operation &op : {set_xmark(value, mask), set_xmark(~value, ~mask),
                                  save_mark(value, mask), restore_mark(value, mask)}) {
        EXPECT_EQ(read(list(op)), op) << list(op);
      }
    }
  }
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < 20000; ++i) {
    const Operation op = random.operation();
    ASSERT_EQ(read(list(op)), op) << list(op) << " CONNMARK_SEED=" << seed;
  }
}

TEST(ListTest, SaysThatTheModeIsUnknown) {
  for (unsigned mode = 3; mode < 256; ++mode) {
    EXPECT_EQ(list({static_cast<Mode>(mode), 1, 2, 3, {Direction::kLeft, 4}}),
              " ERROR: UNKNOWN CONNMARK MODE");
  }
}

}  // namespace
}  // namespace connmark::test
