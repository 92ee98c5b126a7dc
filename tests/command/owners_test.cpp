// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/owners.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "command/connmark_command.h"
#include "command/refusal.h"

namespace connmark::test {
namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string &text) {
    path_ = (std::filesystem::temp_directory_path() / "connmark-owners-XXXXXX").string();
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;

  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

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
