// SPDX-License-Identifier: GPL-2.0-or-later
//
// The cures that the audit writes: they load, and do what the finding says and
// nothing else.
#include "command/report/better_rule.h"

#include <gtest/gtest.h>

#include <iostream>

#include "command/audit_inputs.h"
#include "command/connmark_command.h"
#include "command/iptables/rule_text.h"
#include "command/iptables/rule_words.h"
#include "command/read_files/iptables_save_reader.h"
#include "command/read_text.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr TextReader kReader{read_iptables_save, "rules.v4"};
constexpr RuleKind kIptables{false, connmark::Family::kIpv4};

Rule rule_of(const std::string &line) {
  const Ruleset ruleset = kReader.read(saved_table("mangle", "", line + "\n"));
  EXPECT_EQ(ruleset.rules.size(), 1U) << line;
  return ruleset.rules.at(0);
}

const MarkRule kMasked{Target::kConnmark, save_mark(0xff, 0xff)};

TEST(BetterRuleTest, KeepsAllWordsThatAreNotTheTargets) {
  const struct {
    const char *line;
    const char *better;
  } cases[] = {
      {"-A FORWARD -j CONNMARK --save-mark -p udp",
       "-A FORWARD -p udp -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"},
      {"-A FORWARD --jump=CONNMARK --save-mark -i lo",
       "-A FORWARD -i lo -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"},
      {"-A FORWARD -m comment --comment -j -jCONNMARK --save",
       "-A FORWARD -m comment --comment -j -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"},
      {"-A FORWARD -m comment --comment \"-m x\" -j CONNMARK --save-mark",
       "-A FORWARD -m comment --comment \"-m x\" -j CONNMARK --save-mark --nfmask 0xff "
       "--ctmask 0xff"},
      {"-A FORWARD -m mark -j CONNMARK --save-mark -p tcp ! --mark 1 --syn",
       "-A FORWARD -p tcp -m mark ! --mark 1 -m tcp --syn -j CONNMARK --save-mark --nfmask 0xff "
       "--ctmask 0xff"},
  };
  for (const auto &each : cases) {
    EXPECT_EQ(with_mark_rule(rule_of(each.line), kIptables, kMasked), each.better);
  }
}

TEST(BetterRuleTest, OffersNothingForARuleThatIsNotKnownWhole) {
  const MarkTest test{.mark = Mark::kConnection, .mask = 0xff, .inverted = true};
  for (const char *line : {"-A FORWARD -m nosuchmatch -j CONNMARK --save-mark",
                           "-A FORWARD -j CONNMARK --save-mark --frob"}) {
    EXPECT_EQ(with_mark_rule(rule_of(line), kIptables, kMasked), "");
    EXPECT_EQ(with_match(rule_of(line), kIptables, test), "");
  }
  Rule live;
  live.text = "-A FORWARD -m other [...] -j CONNMARK --save-mark";
  EXPECT_EQ(with_match(live, kIptables, test), "");
}

TEST(BetterRuleTest, ChangesTheTestThatIsMeant) {
  const MarkTest from{.mark = Mark::kPacket, .value = 1, .mask = 2};
  const MarkTest to{.mark = Mark::kPacket, .value = 1, .mask = 3};
  EXPECT_EQ(with_test(rule_of("-A FORWARD -m comment --comment \"--mark 1/2\" -m connmark --mark "
                              "1/2 -m mark --mark 0x1/2 -j RETURN"),
                      kIptables, from, to),
            "-A FORWARD -m comment --comment \"--mark 1/2\" -m connmark --mark 1/2 -m mark --mark "
            "0x1/0x3 -j RETURN");
  EXPECT_EQ(with_test(rule_of("-A FORWARD -m mark ! --mark 1/2"), kIptables, from, to), "");
}

// Rules of random parts in a random order that iptables takes.
class CureTest : public testing::Test {
 protected:
  CureTest() : random_(random_seed()) { std::cout << "CONNMARK_SEED=" << random_seed() << '\n'; }

  std::string random_rule(const std::string &target) {
    const std::vector<std::string> parts = {"-p tcp --syn",
                                            "-i lo",
                                            "! -o eth+",
                                            "-s 10.0.0.0/8",
                                            "-m limit --limit 1/sec",
                                            "-m comment --comment \"-j \\\"x\\\" -p\"",
                                            "-m mark ! --mark 1",
                                            "-m conntrack --ctstate NEW",
                                            "-m helper --helper -m"};
    std::vector<std::string> chosen;
    for (const std::string &part : parts) {
      if (random_.one_in(3)) chosen.push_back(part);
    }
    chosen.insert(chosen.begin() + static_cast<std::ptrdiff_t>(random_.below(
                                       static_cast<std::uint32_t>(chosen.size()) + 1)),
                  target);
    std::string line = "-A FORWARD";
    for (const std::string &part : chosen) line += " " + part;
    return line;
  }

  RandomRules random_;
};

TEST_F(CureTest, LoadsAndAsksTheSameOfPackets) {
  if (!is_installed("iptables-restore")) GTEST_SKIP() << "iptables is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  std::string cures;
  for (int i = 0; i < 300; ++i) {
    const std::string line = random_rule("-j CONNMARK " + options_for(random_.operation()));
    const Rule rule = rule_of(line);
    const MarkTest extra{.mark = Mark::kConnection, .mask = 0xff, .inverted = true};
    const std::string masked = with_mark_rule(rule, kIptables, kMasked);
    const std::string matched = with_match(rule, kIptables, extra);
    ASSERT_NE(masked, "") << line;
    const Rule of_masked = rule_of(masked);
    const Rule of_matched = rule_of(matched);
    EXPECT_EQ(of_masked.mark_rule, kMasked) << line;
    EXPECT_EQ(of_matched.mark_rule, rule.mark_rule) << line;
    EXPECT_EQ(of_masked.comment, rule.comment);
    EXPECT_EQ(of_masked.tests.size(), rule.tests.size()) << masked;
    EXPECT_EQ(of_matched.tests.size(), rule.tests.size() + 1) << matched;
    EXPECT_EQ(of_masked.matches.size(), rule.matches.size()) << masked;
    EXPECT_TRUE(of_masked.unknown.empty()) << masked;
    cures += masked + "\n" + matched + "\n";
  }
  const CommandResult loaded =
      run({"iptables-restore", "--test"}, "*mangle\n" + cures + "COMMIT\n");
  EXPECT_EQ(loaded.status, 0) << loaded.err;
}

// What shift-loses-bits offers changes no bit but those that it names.
TEST_F(CureTest, ForShiftsDiffersOnlyInTheBitsOfTheFinding) {
  int cures = 0;
  for (int i = 0; i < 60; ++i) {
    const Operation op = random_.operation();
    if (op.mode == Mode::kSet || op.shift.bits == 0) continue;
    const AuditResult result =
        audit_rules(saved_table("mangle", "", "-A FORWARD -j CONNMARK " + options_for(op) + "\n"));
    const Json finding = result.finding("shift-loses-bits");
    if (finding.is_null() || finding["rules"][0]["better"].is_null()) continue;
    ++cures;
    const std::string better = finding["rules"][0]["better"];
    const Operation cured = read_rule(rule_words(better)).rule.op;
    const bool pushes = finding["text"].get<std::string>().find("pushes") != std::string::npos;
    const auto bits = finding["bits"].get<std::uint32_t>();
    for (int j = 0; j < 50; ++j) {
      const Marks before{.ct = random_.mark(), .nf = random_.mark()};
      const Marks was = apply(op, before);
      const Marks is = apply(cured, before);
      const std::uint32_t differs = (was.ct ^ is.ct) | (was.nf ^ is.nf);
      EXPECT_EQ(differs & ~(pushes ? 0 : bits), 0U) << options_for(op) << "\n" << better;
    }
  }
  EXPECT_GT(cures, 5);
}

}  // namespace
}  // namespace connmark::test
