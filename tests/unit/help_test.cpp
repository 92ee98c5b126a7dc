// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/help.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace connmark::test {
namespace {

std::string help(Revision revision) {
  char *text = nullptr;
  std::size_t size = 0;
  std::FILE *out = open_memstream(&text, &size);
  print_help(revision, out);
  std::fclose(out);
  const std::string result(text, size);
  std::free(text);
  return result;
}

const std::string kUnshiftedHelp =
    "CONNMARK target options:\n"
    "  --set-xmark value[/mask]  ctmark = (ctmark & ~mask) ^ value\n"
    "  --save-mark               ctmark = (ctmark & ~ctmask) ^ (nfmark & nfmask)\n"
    "  --restore-mark            nfmark = (nfmark & ~nfmask) ^ (ctmark & ctmask)\n"
    "    --nfmask mask           nfmask of a copy, 0xffffffff if not given\n"
    "    --ctmask mask           ctmask of a copy, 0xffffffff if not given\n"
    "    --mask mask             both masks of a copy\n"
    "  --set-mark value[/mask]   ctmark = (ctmark & ~mask) | value\n"
    "  --and-mark bits           ctmark = ctmark & bits\n"
    "  --or-mark bits            ctmark = ctmark | bits\n"
    "  --xor-mark bits           ctmark = ctmark ^ bits\n";

const std::string kShiftHelp =
    "  --left-shift-mark n       shift a set's result or the copied bits left (0-31)\n"
    "  --right-shift-mark n      the same to the right (0-31)\n";

TEST(HelpTest, Revision1HasNoShifts) { EXPECT_EQ(help(Revision::k1), kUnshiftedHelp); }

TEST(HelpTest, Revision2HasEveryOption) {
  EXPECT_EQ(help(Revision::k2), kUnshiftedHelp + kShiftHelp);
}

TEST(HelpTest, FitsATerminal) {
  std::size_t width = 0;
  for (const char c : help(Revision::k2)) {
    width = c == '\n' ? 0 : width + 1;
    EXPECT_LE(width, 80U);
  }
}

}  // namespace
}  // namespace connmark::test
