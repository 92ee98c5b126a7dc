// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "print_operation.h"
#include "read_options.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

struct Answer {
  Diagnosis diagnosis;
  Operation op;
  Progress progress;
};

Answer parse_alone(OptionId id, const char *argument) {
  Answer answer;
  answer.diagnosis = parse_option(id, argument, false, answer.progress, answer.op);
  return answer;
}

constexpr OptionId kNumberOptions[] = {OptionId::kNfmask,  OptionId::kCtmask, OptionId::kMask,
                                       OptionId::kAndMark, OptionId::kOrMark, OptionId::kXorMark};
constexpr OptionId kMarkAndMaskOptions[] = {OptionId::kSetXmark, OptionId::kSetMark};
constexpr OptionId kShiftOptions[] = {OptionId::kLeftShiftMark, OptionId::kRightShiftMark};

// An argument that `option` takes, for tests about something else.
const char *some_argument(const Option &option) {
  return option.argument == Argument::kNone ? nullptr : "1";
}

std::string written(const Option &option) {
  const std::string name = std::string("--") + option.name.c_str();
  return option.argument == Argument::kNone ? name : name + " 1";
}

void expect_refused(OptionId id, const char *argument, Fault fault) {
  const Answer answer = parse_alone(id, argument);
  EXPECT_EQ(answer.diagnosis.fault, fault) << option(id).name.c_str() << " '" << argument << "'";
  EXPECT_EQ(answer.diagnosis.option, id);
  EXPECT_EQ(answer.diagnosis.argument, argument);
  EXPECT_EQ(answer.op, Operation{}) << option(id).name.c_str() << " '" << argument << "'";
  EXPECT_EQ(answer.progress.seen, 0U);
  EXPECT_FALSE(answer.progress.mask_replaced);
}

void expect_op(std::string_view line, const Operation &op) {
  const Reading reading = read_options(line);
  EXPECT_EQ(reading.error, "") << line;
  EXPECT_EQ(reading.op, op) << line;
}

// ---- Numbers

struct Number {
  const char *text;
  std::uint32_t value;
};

constexpr Number kNumbers[] = {
    {"0", 0},
    {"1", 1},
    {"31", 31},
    {"32", 32},
    {"4294967295", 0xffffffff},
    {"0xffffffff", 0xffffffff},
    {"0XABCDEF", 0xabcdef},
    {"0x000000001", 1},
    {"037777777777", 0xffffffff},
    {"010", 8},
    {"00", 0},
    {"+1", 1},
    {" 5", 5},
    {"\t\n 7", 7},
};

constexpr const char *kNoNumbers[] = {"",   " ",   "-1", "-0",  "-4294967295", "08",  "1x",  "x1",
                                      "0x", "0xg", "1/", "1/1", "/1",          "/",   "5 ",  "1 1",
                                      "+",  "--1", "1.", "1e3", "4294967296x", "abc", "\xff"};

constexpr const char *kTooLarge[] = {"4294967296",           "0x100000000",
                                     "040000000000",         "18446744073709551615",
                                     "18446744073709551616", "99999999999999999999999999"};

TEST(ParseNumberTest, TakesEachSpelling) {
  for (const auto &[text, value] : kNumbers) {
    EXPECT_EQ(parse_alone(OptionId::kNfmask, text).op.nfmask, value) << text;
    EXPECT_EQ(parse_alone(OptionId::kCtmask, text).op.ctmask, value) << text;
    EXPECT_EQ(parse_alone(OptionId::kMask, text).op, (Operation{Mode::kSet, 0, value, value, {}}));
    EXPECT_EQ(parse_alone(OptionId::kAndMark, text).op, and_mark(value)) << text;
    EXPECT_EQ(parse_alone(OptionId::kOrMark, text).op, or_mark(value)) << text;
    EXPECT_EQ(parse_alone(OptionId::kXorMark, text).op, xor_mark(value)) << text;
  }
}

TEST(ParseNumberTest, RefusesWhatIsNoNumber) {
  for (const OptionId id : kNumberOptions) {
    for (const char *text : kNoNumbers) expect_refused(id, text, Fault::kNotANumber);
  }
}

TEST(ParseNumberTest, RefusesMoreThan32Bits) {
  for (const OptionId id : kNumberOptions) {
    for (const char *text : kTooLarge) expect_refused(id, text, Fault::kOutOfRange);
  }
}

// ---- Shifts

TEST(ParseShiftTest, Takes0To31) {
  for (unsigned n = 1; n < 32; ++n) {
    const auto bits = static_cast<std::uint8_t>(n);
    const std::string text = std::to_string(n);
    EXPECT_EQ(parse_alone(OptionId::kLeftShiftMark, text.c_str()).op.shift,
              (Shift{Direction::kLeft, bits}));
    EXPECT_EQ(parse_alone(OptionId::kRightShiftMark, text.c_str()).op.shift,
              (Shift{Direction::kRight, bits}));
  }
  EXPECT_EQ(parse_alone(OptionId::kLeftShiftMark, "0").op.shift.bits, 0);
  EXPECT_EQ(parse_alone(OptionId::kRightShiftMark, "0").op.shift.bits, 0);
  EXPECT_EQ(parse_alone(OptionId::kLeftShiftMark, "0x1f").op.shift.bits, 31);
  EXPECT_EQ(parse_alone(OptionId::kLeftShiftMark, "037").op.shift.bits, 31);
  EXPECT_EQ(parse_alone(OptionId::kLeftShiftMark, "+1").op.shift.bits, 1);
}

TEST(ParseShiftTest, RefusesMoreThan31) {
  for (const OptionId id : kShiftOptions) {
    for (const char *text : {"32", "0x20", "255", "256", "257", "0xffffffff", "4294967297"}) {
      expect_refused(id, text, Fault::kOutOfRange);
    }
    for (const char *text : kTooLarge) expect_refused(id, text, Fault::kOutOfRange);
  }
}

TEST(ParseShiftTest, RefusesWhatIsNoNumber) {
  for (const OptionId id : kShiftOptions) {
    for (const char *text : kNoNumbers) expect_refused(id, text, Fault::kNotANumber);
  }
}

// ---- VALUE and VALUE/MASK

TEST(ParseMarkAndMaskTest, TakesAValueAlone) {
  for (const auto &[text, value] : kNumbers) {
    EXPECT_EQ(parse_alone(OptionId::kSetXmark, text).op, set_xmark(value)) << text;
    EXPECT_EQ(parse_alone(OptionId::kSetMark, text).op, set_mark(value)) << text;
  }
}

TEST(ParseMarkAndMaskTest, TakesAMaskInEachSpelling) {
  for (const auto &[value_text, value] : kNumbers) {
    for (const auto &[mask_text, mask] : kNumbers) {
      const std::string text = std::string(value_text) + "/" + mask_text;
      EXPECT_EQ(parse_alone(OptionId::kSetXmark, text.c_str()).op, set_xmark(value, mask)) << text;
      EXPECT_EQ(parse_alone(OptionId::kSetMark, text.c_str()).op, set_mark(value, mask)) << text;
    }
  }
}

TEST(ParseMarkAndMaskTest, RefusesABadValueOrMask) {
  std::vector<std::string> bad = {"1/1/1", "1//1", "1 /1", "1:1", "1,1"};
  for (const char *text : kNoNumbers) {
    if (text != std::string("1/1")) bad.push_back(text);
    bad.push_back(std::string("1/") + text);
  }
  for (const char *text : kTooLarge) {
    bad.push_back(text);
    bad.push_back(std::string(text) + "/1");
    bad.push_back(std::string("1/") + text);
  }
  for (const OptionId id : kMarkAndMaskOptions) {
    for (const std::string &text : bad) expect_refused(id, text.c_str(), Fault::kNotAMarkAndMask);
  }
}

// ---- What the options mean

TEST(ParseTest, ReadsEachOperation) {
  expect_op("--set-xmark 0x10", set_xmark(0x10));
  expect_op("--set-xmark 0x10/0xff", set_xmark(0x10, 0xff));
  expect_op("--set-mark 0x10", set_mark(0x10));
  expect_op("--set-mark 0x10/0xf", {Mode::kSet, 0x10, 0x1f, kAllBits, {}});
  expect_op("--and-mark 0xff", {Mode::kSet, 0, 0xffffff00, kAllBits, {}});
  expect_op("--or-mark 0xff", {Mode::kSet, 0xff, 0xff, kAllBits, {}});
  expect_op("--xor-mark 0xff", {Mode::kSet, 0xff, 0, kAllBits, {}});
  expect_op("--save-mark", save_mark());
  expect_op("--restore-mark", restore_mark());
}

TEST(ParseTest, ReadsTheMasksOfACopy) {
  for (const std::string copy : {"--save-mark", "--restore-mark"}) {
    const Mode mode = copy == "--save-mark" ? Mode::kSave : Mode::kRestore;
    expect_op(copy + " --nfmask 1", {mode, 0, kAllBits, 1, {}});
    expect_op(copy + " --ctmask 2", {mode, 0, 2, kAllBits, {}});
    expect_op(copy + " --nfmask 1 --ctmask 2", {mode, 0, 2, 1, {}});
    expect_op(copy + " --mask 3", {mode, 0, 3, 3, {}});
    expect_op(copy + " --mask 0", {mode, 0, 0, 0, {}});
  }
}

TEST(ParseTest, ReadsAShiftNextToEachOperation) {
  for (const Option &each : kOptions) {
    if (!is_operation(each.role)) continue;
    Operation op = read_options(written(each)).op;
    op.shift = {Direction::kLeft, 4};
    expect_op(written(each) + " --left-shift-mark 4", op);
    op.shift = {Direction::kRight, 5};
    expect_op(written(each) + " --right-shift-mark 5", op);
    op.shift = {};
    expect_op(written(each) + " --right-shift-mark 0", op);
    expect_op("--right-shift-mark 0 " + written(each), op);
  }
}

TEST(ParseTest, OrderOfACopysOptionsDoesNotMatter) {
  std::vector<std::string> options = {"--ctmask 2", "--nfmask 1", "--right-shift-mark 3",
                                      "--save-mark"};
  do {
    std::string line;
    for (const std::string &each : options) line += each + " ";
    const Reading reading = read_options(line);
    EXPECT_EQ(reading.error, "") << line;
    EXPECT_TRUE(reading.warnings.empty()) << line;
    EXPECT_EQ(reading.op, with_shift(save_mark(1, 2), Direction::kRight, 3)) << line;
  } while (std::next_permutation(options.begin(), options.end()));
}

TEST(ParseTest, ShiftMayStandBeforeASetOperation) {
  expect_op("--left-shift-mark 3 --set-mark 1", with_shift(set_mark(1), Direction::kLeft, 3));
  expect_op("--right-shift-mark 3 --and-mark 1", with_shift(and_mark(1), Direction::kRight, 3));
}

// ---- A mask option next to a set operation

TEST(ParseTest, MaskBehindASetOperationReplacesItsMask) {
  expect_op("--set-mark 1 --mask 0xff", set_xmark(1, 0xff));
  expect_op("--set-mark 1 --ctmask 0xff", set_xmark(1, 0xff));
  expect_op("--set-mark 0x10/0xf0 --mask 0", set_xmark(0x10, 0));
  expect_op("--set-xmark 1 --mask 0xff", set_xmark(1, 0xff));
  expect_op("--and-mark 1 --mask 0xff", set_xmark(0, 0xff));
  expect_op("--or-mark 1 --mask 0xff", set_xmark(1, 0xff));
  expect_op("--xor-mark 1 --ctmask 0xff", set_xmark(1, 0xff));
}

TEST(ParseTest, MaskBeforeASetOperationHasNoEffect) {
  for (const Option &each : kOptions) {
    if (each.role != Role::kSetOperation) continue;
    const Operation op = read_options(written(each)).op;
    for (const std::string mask : {"--mask 0xff ", "--ctmask 0xff ", "--nfmask 0xff "}) {
      expect_op(mask + written(each), op);
    }
  }
}

TEST(ParseTest, NfmaskNextToASetOperationHasNoEffect) {
  expect_op("--set-mark 1 --nfmask 0xff", set_mark(1));
  expect_op("--set-mark 1/0xf --nfmask 0", set_mark(1, 0xf));
}

TEST(ParseTest, SaysOnceThatAMaskWasReplaced) {
  Progress progress;
  Operation op;
  ASSERT_EQ(parse_option(OptionId::kSetMark, "1", false, progress, op).fault, Fault::kNone);
  const Diagnosis warning = parse_option(OptionId::kCtmask, "0xff", false, progress, op);
  EXPECT_EQ(warning.fault, Fault::kMaskReplaced);
  EXPECT_EQ(warning.option, OptionId::kCtmask);
  EXPECT_EQ(warning.other, OptionId::kSetMark);
  EXPECT_TRUE(progress.mask_replaced);
  EXPECT_EQ(parse_option(OptionId::kNfmask, "0xff", false, progress, op).fault, Fault::kNone);
  EXPECT_EQ(parse_end(progress).fault, Fault::kNone);
}

TEST(ParseTest, SaysAtTheEndThatAMaskIsIgnored) {
  for (const OptionId id : {OptionId::kNfmask, OptionId::kCtmask, OptionId::kMask}) {
    Progress progress;
    Operation op;
    ASSERT_EQ(parse_option(id, "0xff", false, progress, op).fault, Fault::kNone);
    ASSERT_EQ(parse_option(OptionId::kOrMark, "1", false, progress, op).fault, Fault::kNone);
    const Diagnosis warning = parse_end(progress);
    EXPECT_EQ(warning.fault, Fault::kMaskIgnored);
    EXPECT_EQ(warning.option, id);
    EXPECT_EQ(warning.other, OptionId::kOrMark);
  }
}

TEST(ParseTest, WarnsWithOneLineAtMost) {
  for (const char *line :
       {"--nfmask 1 --ctmask 2 --set-mark 3", "--nfmask 1 --set-mark 3 --ctmask 2",
        "--ctmask 2 --set-mark 3 --nfmask 1", "--set-mark 3 --nfmask 1 --ctmask 2"}) {
    EXPECT_EQ(read_options(line).warnings.size(), 1U) << line;
  }
}

TEST(ParseTest, DoesNotWarnOfPlainRules) {
  for (const Option &each : kOptions) {
    if (!is_operation(each.role)) continue;
    EXPECT_TRUE(read_options(written(each)).warnings.empty()) << each.name.c_str();
    EXPECT_TRUE(read_options(written(each) + " --left-shift-mark 1").warnings.empty())
        << each.name.c_str();
  }
}

// ---- What is refused

TEST(ParseTest, RefusesInvertedOptions) {
  for (const Option &each : kOptions) {
    Progress progress;
    Operation op;
    const Diagnosis diagnosis = parse_option(each.id, some_argument(each), true, progress, op);
    EXPECT_EQ(diagnosis.fault, Fault::kInverted) << each.name.c_str();
    EXPECT_EQ(diagnosis.option, each.id);
    EXPECT_EQ(op, Operation{});
    EXPECT_EQ(progress.seen, 0U);
  }
}

TEST(ParseTest, RefusesAnOptionGivenTwice) {
  for (const Option &each : kOptions) {
    Answer answer = parse_alone(each.id, some_argument(each));
    ASSERT_EQ(answer.diagnosis.fault, Fault::kNone) << each.name.c_str();
    const Diagnosis diagnosis =
        parse_option(each.id, some_argument(each), false, answer.progress, answer.op);
    EXPECT_EQ(diagnosis.fault, Fault::kRepeated) << each.name.c_str();
    EXPECT_EQ(diagnosis.option, each.id);
  }
}

TEST(ParseTest, DecidesAboutEveryPairOfOptions) {
  for (const Option &first : kOptions) {
    for (const Option &second : kOptions) {
      if (first.id == second.id) continue;
      Fault expected = Fault::kNone;
      if (is_operation(first.role) && is_operation(second.role)) {
        expected = Fault::kSecondOperation;
      } else if (first.role == Role::kShift && second.role == Role::kShift) {
        expected = Fault::kSecondShift;
      } else if (first.role == Role::kMask && second.role == Role::kMask &&
                 (first.id == OptionId::kMask || second.id == OptionId::kMask)) {
        expected = Fault::kMaskConflict;
      } else if (first.role == Role::kSetOperation &&
                 (second.id == OptionId::kMask || second.id == OptionId::kCtmask)) {
        expected = Fault::kMaskReplaced;
      }
      Answer answer = parse_alone(first.id, some_argument(first));
      const Answer before = answer;
      const Diagnosis diagnosis =
          parse_option(second.id, some_argument(second), false, answer.progress, answer.op);
      EXPECT_EQ(diagnosis.fault, expected) << first.name.c_str() << " " << second.name.c_str();
      if (expected != Fault::kNone) {
        EXPECT_EQ(diagnosis.option, second.id) << first.name.c_str() << " " << second.name.c_str();
        EXPECT_EQ(diagnosis.other, first.id) << first.name.c_str() << " " << second.name.c_str();
      }
      if (is_error(expected)) {
        EXPECT_EQ(answer.op, before.op) << first.name.c_str() << " " << second.name.c_str();
        EXPECT_EQ(answer.progress.seen, before.progress.seen)
            << first.name.c_str() << " " << second.name.c_str();
      } else {
        EXPECT_EQ(answer.progress.seen, bit(first.id) | bit(second.id));
      }
    }
  }
}

TEST(ParseTest, NamesTheFirstOfTwoMasksThatConflict) {
  Progress progress{.seen = bit(OptionId::kNfmask) | bit(OptionId::kCtmask)};
  Operation op;
  EXPECT_EQ(parse_option(OptionId::kMask, "1", false, progress, op).other, OptionId::kNfmask);
}

TEST(ParseTest, LooksAtThePlaceBeforeTheArgument) {
  Answer answer = parse_alone(OptionId::kSaveMark, nullptr);
  EXPECT_EQ(parse_option(OptionId::kSetMark, "x", false, answer.progress, answer.op).fault,
            Fault::kSecondOperation);
  EXPECT_EQ(parse_option(OptionId::kMask, "x", true, answer.progress, answer.op).fault,
            Fault::kInverted);
}

TEST(ParseTest, AnErrorLeavesAHalfReadRuleAlone) {
  Reading reading = read_options("--set-mark 0x10/0xf0 --right-shift-mark 3");
  const Operation op = reading.op;
  const OptionSet seen = reading.progress.seen;
  for (const char *text : {"", "x", "-1", "4294967296"}) {
    EXPECT_TRUE(
        is_error(parse_option(OptionId::kMask, text, false, reading.progress, reading.op).fault));
    EXPECT_EQ(reading.op, op);
    EXPECT_EQ(reading.progress.seen, seen);
    EXPECT_FALSE(reading.progress.mask_replaced);
  }
}

TEST(ParseTest, RefusesARuleWithoutOperation) {
  EXPECT_EQ(parse_end({}).fault, Fault::kNoOperation);
  for (const Option &each : kOptions) {
    EXPECT_EQ(parse_end({.seen = bit(each.id) & kAllOptions}).fault,
              is_operation(each.role) ? Fault::kNone : Fault::kNoOperation)
        << each.name.c_str();
  }
}

// ---- Any options at all

TEST(ParseTest, WhateverIsTakenIsCanonical) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    Reading reading;
    for (std::uint32_t n = random.below(5); n > 0; --n) {
      const Option &option = kOptions[random.below(kOptionCount)];
      const std::string argument = std::to_string(
          option.argument == Argument::kShiftBits ? random.below(34) : random.mark());
      const Reading before = reading;
      const Diagnosis diagnosis = parse_option(option.id, argument.c_str(), random.one_in(40),
                                               reading.progress, reading.op);
      if (!is_error(diagnosis.fault)) continue;
      ASSERT_EQ(reading.op, before.op) << "CONNMARK_SEED=" << seed;
      ASSERT_EQ(reading.progress.seen, before.progress.seen) << "CONNMARK_SEED=" << seed;
    }
    if (is_error(parse_end(reading.progress).fault)) continue;
    ++taken;
    ASSERT_EQ(canonical(reading.op), reading.op) << "CONNMARK_SEED=" << seed;
    ASSERT_TRUE(is_known(reading.op.mode)) << "CONNMARK_SEED=" << seed;
    ASSERT_LE(reading.op.shift.bits, kMaxShiftBits) << "CONNMARK_SEED=" << seed;
  }
  EXPECT_GT(taken, 5000) << "CONNMARK_SEED=" << seed;
}

}  // namespace
}  // namespace connmark::test
