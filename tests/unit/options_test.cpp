// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/options.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace connmark::test {
namespace {

struct Expected {
  OptionId id;
  std::string name;
  Role role;
  Argument argument;
};

// The options that iptables-extensions(8) documents for CONNMARK, and the
// shifts, which it forgets.
const Expected kExpected[] = {
    {OptionId::kSetXmark, "set-xmark", Role::kSetOperation, Argument::kMarkAndMask},
    {OptionId::kSaveMark, "save-mark", Role::kCopyOperation, Argument::kNone},
    {OptionId::kRestoreMark, "restore-mark", Role::kCopyOperation, Argument::kNone},
    {OptionId::kNfmask, "nfmask", Role::kMask, Argument::kMark},
    {OptionId::kCtmask, "ctmask", Role::kMask, Argument::kMark},
    {OptionId::kMask, "mask", Role::kMask, Argument::kMark},
    {OptionId::kSetMark, "set-mark", Role::kSetOperation, Argument::kMarkAndMask},
    {OptionId::kAndMark, "and-mark", Role::kSetOperation, Argument::kMark},
    {OptionId::kOrMark, "or-mark", Role::kSetOperation, Argument::kMark},
    {OptionId::kXorMark, "xor-mark", Role::kSetOperation, Argument::kMark},
    {OptionId::kLeftShiftMark, "left-shift-mark", Role::kShift, Argument::kShiftBits},
    {OptionId::kRightShiftMark, "right-shift-mark", Role::kShift, Argument::kShiftBits},
};

TEST(OptionsTest, HasEachOptionOnce) {
  EXPECT_EQ(kOptionCount, std::size(kExpected));
  std::set<std::string> names;
  for (const Option &each : kOptions) names.insert(each.name.c_str());
  EXPECT_EQ(names.size(), kOptionCount);
}

TEST(OptionsTest, FindsTheFactsOfAnOptionByItsId) {
  for (const Expected &expected : kExpected) {
    const Option &found = option(expected.id);
    EXPECT_EQ(found.id, expected.id) << expected.name;
    EXPECT_EQ(found.name.c_str(), expected.name);
    EXPECT_EQ(found.role, expected.role) << expected.name;
    EXPECT_EQ(found.argument, expected.argument) << expected.name;
  }
}

TEST(OptionsTest, HelpSyntaxNamesTheOptionAndItsArgument) {
  for (const Option &each : kOptions) {
    const std::string syntax(each.syntax);
    const std::size_t name = syntax.find(std::string("--") + each.name.c_str());
    ASSERT_NE(name, std::string::npos) << each.name.c_str();
    const std::string behind = syntax.substr(name + 2 + std::string(each.name.c_str()).size());
    EXPECT_EQ(behind.empty(), each.argument == Argument::kNone) << syntax;
    EXPECT_EQ(behind.ends_with("[/mask]"), each.argument == Argument::kMarkAndMask) << syntax;
    EXPECT_FALSE(each.meaning.empty()) << each.name.c_str();
  }
}

TEST(OptionsTest, SetsHoldTheOptionsOfTheirRoles) {
  for (const Option &each : kOptions) {
    const bool set = each.role == Role::kSetOperation;
    const bool copy = each.role == Role::kCopyOperation;
    EXPECT_EQ((kOperations & bit(each.id)) != 0, set || copy) << each.name.c_str();
    EXPECT_EQ((kSetOperations & bit(each.id)) != 0, set) << each.name.c_str();
    EXPECT_EQ((kMasks & bit(each.id)) != 0, each.role == Role::kMask) << each.name.c_str();
    EXPECT_EQ((kShifts & bit(each.id)) != 0, each.role == Role::kShift) << each.name.c_str();
  }
  EXPECT_EQ(kOperations | kMasks | kShifts, (OptionSet{1} << kOptionCount) - 1);
}

}  // namespace
}  // namespace connmark::test
