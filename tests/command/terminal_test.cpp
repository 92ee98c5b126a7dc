// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/output/terminal.h"

#include <gtest/gtest.h>

namespace connmark::test {
namespace {

TEST(TerminalTest, ColoursATerminal) { EXPECT_TRUE(wants_colour(true, nullptr, "xterm")); }

TEST(TerminalTest, ColoursNothingElse) {
  EXPECT_FALSE(wants_colour(false, nullptr, "xterm"));
  EXPECT_FALSE(wants_colour(true, nullptr, "dumb"));
  EXPECT_FALSE(wants_colour(true, nullptr, nullptr));
}

TEST(TerminalTest, HonoursNoColor) {
  EXPECT_FALSE(wants_colour(true, "1", "xterm"));
  EXPECT_TRUE(wants_colour(true, "", "xterm"));
}

TEST(TerminalTest, PaintsAndResets) {
  EXPECT_EQ(painted("x", Colour::kRed, true), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(painted("x", Colour::kNone, true), "x");
  EXPECT_EQ(painted("x", Colour::kRed, false), "x");
}

}  // namespace
}  // namespace connmark::test
