// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

using Json = nlohmann::json;

TEST(ExplainTest, DrawsAMaskedRestoreAndItsResult) {
  const CommandResult result = run_connmark({"explain", "--restore-mark", "--mask", "0xff0000",
                                             "--packet", "1", "--connection", "0x40000"});
  EXPECT_EQ(result.out,
            R"(Copies bits of the connection's mark (ctmark) into the packet's mark (nfmark).
  nfmark = (nfmark & ~0xff0000) ^ (ctmark & 0xff0000)

  bit     31      23      15      7      0
          |       |       |       |      |
  nfmark  ........cccccccc................
    .  bits 0-15, 24-31 (0xff00ffff): kept
    c  bits 16-23 (0xff0000): copied from the same bits of ctmark
  A connection that has no mark yet restores zeros.

  saved:  -j CONNMARK --restore-mark --nfmask 0xff0000 --ctmask 0xff0000
  nft:    meta mark set meta mark and 0xff00ffff or ct mark and 0xff0000
          needs nft 1.1.2 and Linux 6.13; for an older nft: connmark translate

  packet:     0x1 becomes 0x40001
  connection: 0x40000 stays as it is
)");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
}

TEST(ExplainTest, DrawsAShiftedSet) {
  const CommandResult result =
      run_connmark({"explain", "--set-xmark", "0x16/0x12", "--left-shift-mark", "3"});
  EXPECT_EQ(result.out, R"(Edits the connection's mark (ctmark).
  ctmark = ((ctmark & ~0x12) ^ 0x16) << 3

  bit     31      23      15      7      0
          |       |       |       |      |
  ctmark  mmmmmmmmmmmmmmmmmmmmmmmm1mw1m000
    0  bits 0-2 (0x7): cleared
    1  bits 4, 7 (0x90): set
    m  bits 3, 6, 8-31 (0xffffff48): moved here from bits 0, 3, 5-28 of ctmark (0x1fffffe9)
    w  bit 5 (0x20): moved here, flipped, from bit 2 of ctmark (0x4)

  saved:  -j CONNMARK --set-xmark 0x16/0x12 --left-shift-mark 3
  nft:    ct mark set ct mark << 3 and 0xffffff68 xor 0xb0
          needs nft 0.9.4 and Linux 5.6; for an older nft: connmark translate
)");
}

TEST(ExplainTest, TellsThatAllBitsAreWritten) {
  EXPECT_NE(run_connmark({"explain", "--save-mark"})
                .out.find("  All 32 bits are written, those of other programs too.\n"),
            std::string::npos);
  EXPECT_EQ(run_connmark({"explain", "--save-mark", "--mask", "1"}).out.find("All 32 bits"),
            std::string::npos);
}

TEST(ExplainTest, ReadsAWholeRuleInOneWordOrMany) {
  const std::string line = "-A PREROUTING -i wan2 -j MARK --set-mark 2/0xff";
  std::vector<std::string> many{"explain"};
  for (const std::string &word : words(line)) many.push_back(word);
  const CommandResult result = run_connmark(many);
  EXPECT_EQ(result.out, run_connmark({"explain", line}).out);
  EXPECT_EQ(result.out.find("Edits the packet's mark (nfmark).\n"), 0U);
}

TEST(ExplainTest, WarnsOnStandardErrorAndEndsWithOne) {
  const CommandResult result = run_connmark({"explain", "--set-mark", "1", "--mask", "0xff"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err,
            "CONNMARK: --mask: replaces the mask of --set-mark before it, "
            "write --set-xmark 0x1/0xff\n");
  EXPECT_NE(result.out.find("saved:  -j CONNMARK --set-xmark 0x1/0xff\n"), std::string::npos);
}

TEST(ExplainTest, PrintsJson) {
  const CommandResult result =
      run_connmark({"explain", "--json", "--packet", "0xa5", "--save-mark", "--nfmask", "0xff",
                    "--ctmask", "0xff00", "--left-shift-mark", "8"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["command"], "explain");
  EXPECT_EQ(json["target"], "CONNMARK");
  EXPECT_EQ(json["operation"], "save");
  EXPECT_EQ(json["writes"], "connection");
  EXPECT_EQ(json["ctmask"], 0xff00);
  EXPECT_EQ(json["shift"], (Json{{"direction", "left"}, {"bits", 8}}));
  EXPECT_EQ(json["bits"].size(), 32U);
  EXPECT_EQ(json["bits"][9],
            Json::parse(R"({"bit":9,"change":"copied","from":{"mark":"packet","bit":1}})"));
  EXPECT_EQ(json["bits"][0], Json::parse(R"({"bit":0,"change":"kept"})"));
  EXPECT_EQ(json["nft"]["nft"], "1.1.2");
  EXPECT_EQ(json["nft"]["linux"], "6.13");
  EXPECT_EQ(json["before"], Json::parse(R"({"packet":165,"connection":0})"));
  EXPECT_EQ(json["after"], Json::parse(R"({"packet":165,"connection":42240})"));
}

TEST(ExplainTest, HasNoColourOutsideATerminal) {
  EXPECT_EQ(run_connmark({"explain", "--save-mark"}, {}, {"TERM=xterm"}).out.find('\x1b'),
            std::string::npos);
}

TEST(ExplainTest, RefusesMarksThatAreNone) {
  const CommandResult result = run_connmark({"explain", "--packet", "0xfg", "--save-mark"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "connmark: --packet: \"0xfg\" is not a mark, give 0 to 0xffffffff\n");
}

TEST(ExplainTest, DoesNotTakeTheStatisticMatchsPacketForTheMark) {
  const std::string line =
      "-A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j CONNMARK "
      "--set-mark 1";
  std::vector<std::string> many{"explain"};
  for (const std::string &word : words(line)) many.push_back(word);
  const CommandResult result = run_connmark(many);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err,
            "connmark: --packet: is an option of the match statistic as well, give the rule in "
            "quotes\n");
  EXPECT_EQ(run_connmark({"explain", "--packet", "3", line}).status, 0);
}

}  // namespace
}  // namespace connmark::test
