// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command in surroundings that somebody else has made: texts that are no
// text, no standard input, a PATH that leads astray.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "command/connmark_command.h"

namespace connmark::test {
namespace {

constexpr const char *kHostile =
    "\x1b[2J\xc2\x9b"
    "31m\xe2\x80\xae\xff\x07";

std::string hostile_rules() {
  return std::string(
             "*mangle\n:PREROUTING ACCEPT [0:0]\n"
             "-A PREROUTING -m comment --comment \"") +
         kHostile +
         "\" -j CONNMARK --save-mark\n"
         "-A PREROUTING -m mark --mark 1/2 -m comment --comment \"" +
         kHostile + "\" -j MARK --set-mark 3\nCOMMIT\n";
}

void expect_harmless(const std::string &text) {
  for (const char *each : {"\x1b", "\x9b", "\xe2\x80\xae", "\xff", "\x07"}) {
    EXPECT_EQ(text.find(each), std::string::npos) << testing::PrintToString(text);
  }
}

TEST(HostileTextTest, IsNeverPrintedRaw) {
  const std::string rules = hostile_rules();
  for (const std::vector<std::string> &words : std::vector<std::vector<std::string>>{
           {"translate"},
           {"translate", "--json"},
           {"audit", "--iptables", "-"},
           {"audit", "--iptables", "-", "--json"},
           {"audit", "--iptables", "-", "--owner", std::string(kHostile) + "=*"},
           {"audit", "--iptables", kHostile},
           {"audit", kHostile},
           {"translate", "--nft-version", kHostile},
           {"translate", "-j", "MARK", "--set-mark", kHostile},
           {"translate", "-A", kHostile, "-j", "MARK", "--set-mark", "1"},
           {"explain", "--set-mark", kHostile},
           {"explain", "--json", "-A", kHostile, "-j", "MARK", "--set-mark", "1"},
           {"flows", "--owner", kHostile},
           {kHostile}}) {
    const CommandResult result = run_connmark(words, rules);
    EXPECT_LE(result.status, 2) << testing::PrintToString(words);
    EXPECT_NE(result.out + result.err, "");
    expect_harmless(result.out);
    expect_harmless(result.err);
    const bool json = std::ranges::find(words, "--json") != words.end();
    if (json && result.status < 2) {
      EXPECT_TRUE(nlohmann::json::accept(result.out)) << result.out;
    }
  }
}

CommandResult in_shell(const std::string &command) {
  return run({"/bin/sh", "-c", command, connmark_path()});
}

TEST(ClosedDescriptorTest, IsSaid) {
  const CommandResult translate = in_shell("\"$0\" translate <&-");
  EXPECT_EQ(translate.status, 2);
  EXPECT_EQ(translate.err, "connmark: translate: standard input is closed\n");
  // A line about the owners may stand before it.
  EXPECT_TRUE(in_shell("\"$0\" audit --iptables - <&-")
                  .err.ends_with("connmark: --iptables: standard input is closed\n"));
  const CommandResult no_output = in_shell("\"$0\" explain --set-mark 1 >&-");
  EXPECT_EQ(no_output.status, 2);
  EXPECT_EQ(no_output.err, "connmark: standard output: cannot be written\n");
}

TEST(ClosedDescriptorTest, TakesNothingFromOtherPrograms) {
  if (!is_installed("iptables-restore-translate")) {
    GTEST_SKIP() << "iptables-restore-translate is not installed";
  }
  const CommandResult result =
      in_shell("\"$0\" translate -A OUTPUT -o lo -j MARK --set-mark 1 <&- 2>&-");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.out.find("oifname \"lo\" counter meta mark set 0x1"), std::string::npos)
      << result.out;
}

// No program is looked for on PATH, or where the command was started.
TEST(ProgramPathTest, IsNotTheCallers) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("path" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  for (const char *name : {"nft", "iptables-restore-translate"}) {
    std::ofstream(folder / name) << "#!/bin/sh\necho ran >>" << (folder / "ran").string() << "\n";
    chmod((folder / name).c_str(), 0755);
  }
  for (const std::string &path : {std::string(), std::string("."), folder.string()}) {
    const CommandResult result =
        in_shell("cd " + folder.string() + " && PATH='" + path +
                 "' \"$0\" translate -A OUTPUT -o lo -j MARK --set-mark 1");
    EXPECT_LE(result.status, 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "ran")) << "PATH=" << path;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace connmark::test
