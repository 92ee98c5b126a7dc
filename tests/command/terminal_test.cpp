// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/output/terminal.h"

#include <gtest/gtest.h>

#include <sstream>

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

TEST(TerminalTest, EscapesWhatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[2J\n\r\x07\x7f"), "a\\x1b[2J\\x0a\\x0d\\x07\\x7f");
  EXPECT_EQ(printable(std::string("\0", 1)), "\\x00");
  // C1, in UTF-8 and alone.
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\x9b"),
            "\\xc2\\x9b31m\\x9b");
}

TEST(TerminalTest, EscapesWhatHidesOrTurnsText) {
  for (const char *text :
       {"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8b", "\xe2\x80\x8f", "\xd8\x9c", "\xef\xbb\xbf",
        "\xc2\xad", "\xe2\x80\xa8", "\xf3\xa0\x81\x81", "\xef\xb8\x8f", "\xe3\x85\xa4"}) {
    EXPECT_EQ(printable(text).find(text), std::string::npos) << testing::PrintToString(text);
    EXPECT_EQ(printable(text).size(), 4 * std::string_view(text).size());
  }
}

TEST(TerminalTest, EscapesWhatIsNoUtf8) {
  // Overlong, a surrogate, too large, cut.
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");
  EXPECT_EQ(printable("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(TerminalTest, ShowsOtherText) {
  for (const char *text :
       {"a b", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\xa5", "\xd7\x90", "\\x1b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

std::string shown(const std::vector<std::string> &parts, bool with_colour) {
  std::ostringstream out;
  {
    const ShownOutput filter(out, with_colour);
    for (const std::string &part : parts) out << part << std::flush;
  }
  return out.str();
}

TEST(ShownOutputTest, EscapesWhatIsWrittenInParts) {
  EXPECT_EQ(shown({"a\nb\x1b", "[2J\xc2", "\x9b\xe2\x82", "\xac\n\xe2"}, false),
            "a\nb\\x1b[2J\\xc2\\x9b\xe2\x82\xac\n\\xe2");
}

TEST(ShownOutputTest, LetsOwnColoursThroughAndNoOthers) {
  const std::string own = painted("x", Colour::kRed, true);
  EXPECT_EQ(shown({own.substr(0, 3), own.substr(3)}, true), own);
  EXPECT_EQ(shown({own}, false), "\\x1b[31mx\\x1b[0m");
  EXPECT_EQ(shown({"\x1b[8mx\x1b[2J\x1b"}, true), "\\x1b[8mx\\x1b[2J\\x1b");
}

}  // namespace
}  // namespace connmark::test
