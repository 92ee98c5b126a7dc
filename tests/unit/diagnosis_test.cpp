// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/diagnosis.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "read_options.h"

namespace connmark::test {
namespace {

std::string error_of(std::string_view line) { return read_options(line).error; }

// The rule must be taken, with one warning.
std::string warning_of(std::string_view line) {
  const Reading reading = read_options(line);
  EXPECT_EQ(reading.error, "") << line;
  EXPECT_EQ(reading.warnings.size(), 1U) << line;
  return reading.warnings.empty() ? "" : reading.warnings.front();
}

std::string not_a_number(const char *argument) {
  return std::string(
      describe({Fault::kNotANumber, OptionId::kMask, {}, argument}, Operation{}).view());
}

TEST(DiagnosisTest, TellsErrorsFromWarnings) {
  EXPECT_FALSE(is_error(Fault::kNone));
  for (const Fault fault : {Fault::kInverted, Fault::kRepeated, Fault::kSecondOperation,
                            Fault::kSecondShift, Fault::kMaskConflict, Fault::kNotANumber,
                            Fault::kOutOfRange, Fault::kNotAMarkAndMask, Fault::kNoOperation}) {
    EXPECT_TRUE(is_error(fault)) << static_cast<int>(fault);
  }
  EXPECT_FALSE(is_error(Fault::kMaskReplaced));
  EXPECT_FALSE(is_error(Fault::kMaskIgnored));
}

TEST(DiagnosisTest, Inverted) {
  for (const Option &each : kOptions) {
    const std::string dashed = std::string("--") + each.name.c_str();
    const std::string argument = each.argument == Argument::kNone ? "" : " 1";
    EXPECT_EQ(error_of("! " + dashed + argument),
              "CONNMARK: " + dashed + ": \"!\" makes no sense here, leave it out");
  }
}

TEST(DiagnosisTest, Repeated) {
  EXPECT_EQ(error_of("--set-mark 1 --set-mark 2"),
            "CONNMARK: --set-mark: given twice, give it once");
  EXPECT_EQ(error_of("--save-mark --save-mark"),
            "CONNMARK: --save-mark: given twice, give it once");
}

TEST(DiagnosisTest, SecondOperation) {
  EXPECT_EQ(error_of("--save-mark --restore-mark"),
            "CONNMARK: --restore-mark: conflicts with --save-mark, give one operation");
  EXPECT_EQ(error_of("--or-mark 1 --set-xmark 1"),
            "CONNMARK: --set-xmark: conflicts with --or-mark, give one operation");
}

TEST(DiagnosisTest, SecondShift) {
  EXPECT_EQ(
      error_of("--save-mark --left-shift-mark 1 --right-shift-mark 1"),
      "CONNMARK: --right-shift-mark: conflicts with --left-shift-mark, give one or the other");
  EXPECT_EQ(
      error_of("--right-shift-mark 1 --left-shift-mark 1 --save-mark"),
      "CONNMARK: --left-shift-mark: conflicts with --right-shift-mark, give one or the other");
}

TEST(DiagnosisTest, MaskConflict) {
  EXPECT_EQ(
      error_of("--save-mark --mask 1 --nfmask 1"),
      "CONNMARK: --nfmask: conflicts with --mask, give either --mask or --nfmask and --ctmask");
  EXPECT_EQ(
      error_of("--save-mark --ctmask 1 --mask 1"),
      "CONNMARK: --mask: conflicts with --ctmask, give either --mask or --nfmask and --ctmask");
}

TEST(DiagnosisTest, NotANumber) {
  EXPECT_EQ(error_of("--and-mark 1x"),
            "CONNMARK: --and-mark: \"1x\" is not an unsigned number, give 0 to 0xffffffff");
  EXPECT_EQ(error_of("--save-mark --nfmask -1"),
            "CONNMARK: --nfmask: \"-1\" is not an unsigned number, give 0 to 0xffffffff");
  EXPECT_EQ(error_of("--save-mark --left-shift-mark 08"),
            "CONNMARK: --left-shift-mark: \"08\" is not an unsigned number, give 0 to 31");
  EXPECT_EQ(read_options({"--save-mark", "--mask", ""}).error,
            "CONNMARK: --mask: \"\" is not an unsigned number, give 0 to 0xffffffff");
}

TEST(DiagnosisTest, OutOfRange) {
  EXPECT_EQ(error_of("--or-mark 4294967296"),
            "CONNMARK: --or-mark: \"4294967296\" is out of range, give 0 to 0xffffffff");
  EXPECT_EQ(error_of("--save-mark --left-shift-mark 32"),
            "CONNMARK: --left-shift-mark: \"32\" is out of range, give 0 to 31");
  EXPECT_EQ(error_of("--save-mark --right-shift-mark 0x20"),
            "CONNMARK: --right-shift-mark: \"0x20\" is out of range, give 0 to 31");
}

TEST(DiagnosisTest, NotAMarkAndMask) {
  EXPECT_EQ(error_of("--set-mark 1/"),
            "CONNMARK: --set-mark: \"1/\" is not a mark, give VALUE or VALUE/MASK, "
            "each 0 to 0xffffffff");
  EXPECT_EQ(error_of("--set-xmark 4294967296"),
            "CONNMARK: --set-xmark: \"4294967296\" is not a mark, give VALUE or VALUE/MASK, "
            "each 0 to 0xffffffff");
}

TEST(DiagnosisTest, NoOperation) {
  const std::string expected =
      "CONNMARK: no operation, give one of --set-xmark, --save-mark, --restore-mark, --set-mark, "
      "--and-mark, --or-mark, --xor-mark";
  EXPECT_EQ(error_of(""), expected);
  EXPECT_EQ(error_of("--mask 1 --left-shift-mark 1"), expected);
}

TEST(DiagnosisTest, MaskReplaced) {
  EXPECT_EQ(warning_of("--set-mark 1 --mask 0xff"),
            "CONNMARK: --mask: replaces the mask of --set-mark before it, "
            "write --set-xmark 0x1/0xff");
  EXPECT_EQ(warning_of("--and-mark 0xff --ctmask 0xf0"),
            "CONNMARK: --ctmask: replaces the mask of --and-mark before it, "
            "write --set-xmark 0x0/0xf0");
}

TEST(DiagnosisTest, MaskReplacedNamesARuleWithTheSameEffect) {
  for (const std::string set :
       {"--set-xmark 5/6", "--set-mark 5/6", "--and-mark 5", "--or-mark 5", "--xor-mark 5"}) {
    const Reading reading = read_options(set + " --mask 0xf0");
    ASSERT_EQ(reading.warnings.size(), 1U);
    const std::string &warning = reading.warnings.front();
    const Reading advised = read_options(warning.substr(warning.find("--set-xmark 0x")));
    EXPECT_EQ(advised.error, "");
    EXPECT_TRUE(advised.op == reading.op) << warning;
  }
}

TEST(DiagnosisTest, MaskIgnored) {
  EXPECT_EQ(warning_of("--mask 0xff --set-mark 1"),
            "CONNMARK: --mask: has no effect on --set-mark, leave it out, "
            "or to set some bits only write --set-mark VALUE/MASK");
  EXPECT_EQ(warning_of("--xor-mark 1 --nfmask 0xff"),
            "CONNMARK: --nfmask: has no effect on --xor-mark, leave it out, "
            "or to set some bits only write --set-mark VALUE/MASK");
}

TEST(DiagnosisTest, WritesUnprintableBytesInHex) {
  EXPECT_EQ(
      not_a_number("a\n\t\x1b[31m\x7f\xc3\xa9 ~"),
      "CONNMARK: --mask: \"a\\x0a\\x09\\x1b[31m\\x7f\\xc3\\xa9 ~\" is not an unsigned number, "
      "give 0 to 0xffffffff");
}

TEST(DiagnosisTest, WritesEachByteOfTheArgument) {
  for (int byte = 1; byte < 256; ++byte) {
    const std::string argument(1, static_cast<char>(byte));
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(byte));
    const std::string shown = byte >= ' ' && byte <= '~' ? argument : hex;
    EXPECT_EQ(
        not_a_number(argument.c_str()),
        "CONNMARK: --mask: \"" + shown + "\" is not an unsigned number, give 0 to 0xffffffff");
  }
}

TEST(DiagnosisTest, CutsALongArgument) {
  const std::string behind = "\" is not an unsigned number, give 0 to 0xffffffff";
  EXPECT_EQ(not_a_number(std::string(48, '9').c_str()),
            "CONNMARK: --mask: \"" + std::string(48, '9') + behind);
  EXPECT_EQ(not_a_number(std::string(49, '9').c_str()),
            "CONNMARK: --mask: \"" + std::string(48, '9') + "..." + behind);
  EXPECT_EQ(not_a_number(std::string(100000, '9').c_str()),
            "CONNMARK: --mask: \"" + std::string(48, '9') + "..." + behind);
}

// Cut at the end, a line would lose what to do.
TEST(DiagnosisTest, LongestLinesFit) {
  const std::string hostile(1000, '\xff');
  const Operation op = set_xmark(kAllBits, kAllBits);
  for (int i = 1; i <= static_cast<int>(Fault::kMaskIgnored); ++i) {
    const auto fault = static_cast<Fault>(i);
    const bool lies_in_argument = fault == Fault::kNotANumber || fault == Fault::kOutOfRange ||
                                  fault == Fault::kNotAMarkAndMask;
    const char *argument = lies_in_argument ? hostile.c_str() : nullptr;
    for (const Option &each : kOptions) {
      for (const Option &other : kOptions) {
        EXPECT_LT(describe({fault, each.id, other.id, argument}, op).size(), TextBuffer::kCapacity)
            << i << " " << each.name.c_str() << " " << other.name.c_str();
      }
    }
  }
}

TEST(DiagnosisTest, IsOneLine) {
  for (int fault = 1; fault <= static_cast<int>(Fault::kMaskIgnored); ++fault) {
    const Diagnosis diagnosis{static_cast<Fault>(fault), OptionId::kMask, OptionId::kSetMark, "\n"};
    EXPECT_EQ(describe(diagnosis, {}).view().find('\n'), std::string_view::npos) << fault;
  }
}

}  // namespace
}  // namespace connmark::test
