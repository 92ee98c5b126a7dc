// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/owners/owners.h"

#include <gtest/gtest.h>

#include "command/connmark_command.h"
#include "command/refusal.h"
#include "command/temporary_file.h"

namespace connmark::test {
namespace {

std::string text_of(const std::vector<OwnedBits> &owned) {
  std::string text;
  for (const OwnedBits &each : owned) {
    char bits[16];
    std::snprintf(bits, sizeof bits, " 0x%x ", each.bits);
    text += each.name + (each.certain ? "" : "?") + bits;
  }
  return text;
}

TEST(OwnersTest, ReadsTheListThatIsInstalled) {
  const std::vector<Owner> owners = read_owners(owners_file());
  EXPECT_GE(owners.size(), 10U);
  for (const Owner &owner : owners) {
    EXPECT_FALSE(owner.name.empty());
    EXPECT_NE(owner.mask, 0U) << owner.name;
    EXPECT_TRUE(owner.on_packet || owner.on_connection) << owner.name;
    for (const std::uint32_t value : owner.values) {
      EXPECT_EQ(value & ~owner.mask, 0U) << owner.name;
      EXPECT_NE(value, 0U) << owner.name;
    }
  }
}

TEST(OwnersTest, KnowsWholeMarksFirst) {
  const std::vector<Owner> owners = read_owners(owners_file());
  EXPECT_EQ(text_of(owners_of(0xca6c, owners)), "wg-quick 0xca6c ");
}

TEST(OwnersTest, DoubtsSoftwareThatUsesAnyValue) {
  const std::vector<Owner> owners = read_owners(owners_file());
  EXPECT_EQ(text_of(owners_of(0x40000, owners)), "Calico? 0x40000 Tailscale 0x40000 ");
  EXPECT_EQ(text_of(owners_of(0x100, owners)), "mwan3? 0x100 ");
}

TEST(OwnersTest, LeavesOutOwnersOfPacketMarks) {
  EXPECT_EQ(text_of(owners_of(0x8000, read_owners(owners_file()))), "");
}

TEST(OwnersTest, TheUsersOwnersHaveTheirBitsForThemselves) {
  std::vector<Owner> owners{owner_named_by_user("office=0xff0000")};
  for (const Owner &known : read_owners(owners_file())) owners.push_back(known);
  EXPECT_EQ(text_of(owners_of(0x40080, owners)), "office 0x40000 AWS VPC CNI 0x80 ");
}

TEST(OwnersTest, RefusesWhatIsNoOwner) {
  for (const char *argument : {"office", "=1", "office=", "office=x", "office=0x100000000"}) {
    EXPECT_THROW(owner_named_by_user(argument), Refusal) << argument;
  }
}

TEST(OwnersTest, TakesPatternsForTheRulesOfAnOwner) {
  const Owner office = rules_named_by_user("office=office_*");
  EXPECT_EQ(office.name, "office");
  EXPECT_EQ(office.chains, std::vector<std::string>{"office_*"});
  EXPECT_EQ(office.comments, std::vector<std::string>{"office_*"});
  EXPECT_EQ(office.mask, 0U);
  EXPECT_EQ(rules_named_by_user("office=0xff").mask, 0xffU);
  for (const char *argument : {"office", "=1", "office=", "office=0xfx", "office=4294967296"}) {
    EXPECT_THROW(rules_named_by_user(argument), Refusal) << argument;
  }
}

TEST(OwnersTest, ReadsWhatTheAuditIsTold) {
  const TemporaryFile file(R"({"schema_version": 1, "owners": [{
    "name": "office", "mask": "0xff", "chains": ["office_*"], "tables": ["office"],
    "cure": "tell it", "written_elsewhere": "0x1", "read_elsewhere": "0x2",
    "shares_with": ["home"]}]})");
  const Owner office = read_owners(file.path()).at(0);
  EXPECT_EQ(office.tables, std::vector<std::string>{"office"});
  EXPECT_EQ(office.cure, "tell it");
  EXPECT_EQ(office.written_elsewhere, 1U);
  EXPECT_EQ(office.read_elsewhere, 2U);
  EXPECT_EQ(office.shares_with, std::vector<std::string>{"home"});
}

TEST(OwnersTest, RefusesFilesOfAnotherKind) {
  for (const char *text : {
           "",
           "[]",
           "{}",
           R"({"schema_version": 2, "owners": []})",
           R"({"schema_version": 1, "owners": [{"name": "a"}]})",
           R"({"schema_version": 1, "owners": [{"name": "a", "mask": 1}]})",
           R"({"schema_version": 1, "owners": [{"name": "a", "mask": "x"}]})",
       }) {
    const TemporaryFile file(text);
    EXPECT_THROW(read_owners(file.path()), Refusal) << text;
  }
  const TemporaryFile empty(R"({"schema_version": 1, "owners": []})");
  EXPECT_TRUE(read_owners(empty.path()).empty());
}

}  // namespace
}  // namespace connmark::test
