// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel has recorded for a connection after a packet has passed one
// rule, read over ctnetlink.
#include <gtest/gtest.h>

#include "semantics/connection_mark.h"
#include "semantics/rule_chain.h"

namespace connmark::test {
namespace {

constexpr Marks kBefore{0x12345678, 0x9abcdef0};

struct Rule {
  const char *options;
  Marks after;
};

constexpr Rule kRules[] = {
    {"--set-xmark 0xf0f0/0xffff", {0x1234f0f0, 0x9abcdef0}},
    {"--set-mark 0x42", {0x42, 0x9abcdef0}},
    {"--set-mark 0x42/0xff", {0x12345642, 0x9abcdef0}},
    {"--and-mark 0xffff", {0x5678, 0x9abcdef0}},
    {"--or-mark 0xf", {0x1234567f, 0x9abcdef0}},
    {"--xor-mark 0xff", {0x12345687, 0x9abcdef0}},
    {"--set-mark 0x42 --left-shift-mark 4", {0x420, 0x9abcdef0}},
    {"--and-mark 0xffff0000 --right-shift-mark 16", {0x1234, 0x9abcdef0}},
    {"--save-mark", {0x9abcdef0, 0x9abcdef0}},
    {"--save-mark --mask 0xffff", {0x1234def0, 0x9abcdef0}},
    {"--save-mark --nfmask 0xff00 --ctmask 0xff", {0x12348800, 0x9abcdef0}},
    {"--save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8", {0x1234f078, 0x9abcdef0}},
    {"--restore-mark", {0x12345678, 0x12345678}},
    {"--restore-mark --mask 0xff", {0x12345678, 0x9abcde78}},
    {"--restore-mark --nfmask 0xf --ctmask 0xf0000000 --right-shift-mark 28",
     {0x12345678, 0x9abcdef1}},
};

class RecordedMarksTest : public testing::TestWithParam<FrontEnd> {
 protected:
  void SetUp() override {
    if (const std::string why = enter_network_for(GetParam()); !why.empty()) GTEST_SKIP() << why;
  }

  // Sends a packet past the rules, in a fresh network.
  std::optional<std::uint32_t> mark_after(std::string rules) {
    XtChain chain(GetParam());
    chain.start();
    chain.append({chain.set_marks(kBefore), std::move(rules)});
    send_packet(chain.family());
    return connection_mark(chain.family(), 9);
  }
};

TEST_P(RecordedMarksTest, TheConnectionHasTheMarkOfTheRule) {
  for (const auto &[options, after] : kRules) {
    const std::string rule = std::string("-A cases -j CONNMARK ") + options + "\n";
    EXPECT_EQ(mark_after(rule), after.ct) << options;
  }
}

// The kernel records no packet's mark, so a plain --save-mark hands it over.
TEST_P(RecordedMarksTest, ThePacketHasTheMarkOfTheRule) {
  for (const auto &[options, after] : kRules) {
    const std::string rules =
        std::string("-A cases -j CONNMARK ") + options + "\n-A cases -j CONNMARK --save-mark\n";
    EXPECT_EQ(mark_after(rules), after.nf) << options;
  }
}

TEST_P(RecordedMarksTest, WithoutARuleTheMarkIsKept) { EXPECT_EQ(mark_after(""), kBefore.ct); }

TEST_P(RecordedMarksTest, WithoutAPacketThereIsNoConnection) {
  EXPECT_EQ(connection_mark(GetParam().family, 9), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(AllFrontEnds, RecordedMarksTest, testing::ValuesIn(kFrontEnds),
                         name_of_front_end);

}  // namespace
}  // namespace connmark::test
