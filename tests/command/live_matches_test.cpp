// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rules of iptables-legacy ask for and where they send packets, as read
// from the kernel.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "command/read_kernel/legacy_tables.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/rule_set/rule_marks.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

using connmark::Family;

class LiveMatchesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("iptables-legacy")) GTEST_SKIP() << "iptables-legacy is not installed";
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  }

  static Ruleset read(Family family = Family::kIpv4) {
    Ruleset ruleset;
    EXPECT_TRUE(read_legacy_tables(family, ruleset));
    return ruleset;
  }

  // The only rule of the chain "c", made of these words; without a target one that ends.
  static Rule rule(const std::string &table, const std::string &options,
                   Family family = Family::kIpv4) {
    const std::string program = family == Family::kIpv6 ? "ip6tables-legacy" : "iptables-legacy";
    const std::string in_table = program + " -t " + table;
    run(words(in_table + " -N c"));
    run(words(in_table + " -F c"));
    std::string line = in_table + " -A c " + options;
    if (line.find(" -j ") == line.npos) line += " -j ACCEPT";
    const CommandResult result = run(words(line));
    EXPECT_EQ(result.status, 0) << line << '\n' << result.err;
    const Ruleset ruleset = read(family);
    for (const Rule &each : ruleset.rules) {
      if (ruleset.chains[each.chain].name == "c" && ruleset.chains[each.chain].table == table) {
        return each;
      }
    }
    ADD_FAILURE() << "no rule of " << line;
    return {};
  }

  static std::vector<Match> matches(const std::string &options, Family family = Family::kIpv4) {
    return rule("mangle", options, family).matches;
  }
};

Match text_match(Attribute attribute, const std::string &text, bool inverted = false,
                 bool is_stable = true) {
  return {.attribute = attribute, .inverted = inverted, .is_stable = is_stable, .text = text};
}

Match number_match(Attribute attribute, std::uint32_t from, std::uint32_t to = 0,
                   bool inverted = false) {
  return {.attribute = attribute,
          .inverted = inverted,
          .is_stable = true,
          .from = from,
          .to = to,
          .text = {}};
}

using Matches = std::vector<Match>;

TEST_F(LiveMatchesTest, ReadsAddressesInterfacesAndProtocols) {
  EXPECT_EQ(matches("-s 10.1.2.3/8 ! -d 192.0.2.1 -i eth+ ! -o lo -p tcp"),
            (Matches{text_match(Attribute::kSource, "10.0.0.0/8"),
                     text_match(Attribute::kDestination, "192.0.2.1/32", true),
                     text_match(Attribute::kInInterface, "eth+"),
                     text_match(Attribute::kOutInterface, "lo", true),
                     number_match(Attribute::kProtocol, 6)}));
  EXPECT_EQ(matches("! -p 99"), Matches{number_match(Attribute::kProtocol, 99, 0, true)});
  EXPECT_EQ(matches("-s 10.0.0.0/255.0.255.0"),
            Matches{text_match(Attribute::kOther, "-s 10.0.0.0/255.0.255.0")});
  EXPECT_EQ(matches("! -f"), Matches{text_match(Attribute::kOther, "-f", true)});
  EXPECT_EQ(matches("-m comment --comment here"), Matches{});
  EXPECT_EQ(matches("-s 2001:DB8::1/64 -p icmpv6", Family::kIpv6),
            (Matches{text_match(Attribute::kSource, "2001:db8::/64"),
                     number_match(Attribute::kProtocol, 58)}));
}

TEST_F(LiveMatchesTest, ReadsPorts) {
  const Match tcp = number_match(Attribute::kProtocol, 6);
  EXPECT_EQ(matches("-p tcp --sport 5:9 ! --dport 80"),
            (Matches{tcp, number_match(Attribute::kSourcePort, 5, 9),
                     number_match(Attribute::kDestinationPort, 80, 80, true)}));
  EXPECT_EQ(matches("-p udp --dport 53"),
            (Matches{number_match(Attribute::kProtocol, 17),
                     number_match(Attribute::kDestinationPort, 53, 53)}));
  EXPECT_EQ(matches("-p tcp -m multiport --dports 80:90"),
            (Matches{tcp, number_match(Attribute::kDestinationPort, 80, 90)}));
  EXPECT_EQ(matches("-p tcp -m multiport ! --sports 80"),
            (Matches{tcp, number_match(Attribute::kSourcePort, 80, 80, true)}));
  EXPECT_EQ(matches("-p tcp -m multiport --ports 80"),
            (Matches{tcp, text_match(Attribute::kOther, "-m multiport --ports 80")}));
  EXPECT_EQ(matches("-p tcp -m multiport --dports 80,90"),
            (Matches{tcp, text_match(Attribute::kOther, "-m multiport --dports 80,90")}));
  EXPECT_EQ(matches("-p tcp --dport 80 --syn"),
            (Matches{tcp, number_match(Attribute::kDestinationPort, 80, 80),
                     text_match(Attribute::kOther, "-m tcp --tcp-flags FIN,SYN,RST,ACK SYN")}));
  EXPECT_EQ(matches("-p tcp -m tcp"), (Matches{tcp, text_match(Attribute::kOther, "-m tcp")}));
}

TEST_F(LiveMatchesTest, ReadsConnections) {
  EXPECT_EQ(matches("-m conntrack --ctstate NEW,UNTRACKED"),
            Matches{number_match(Attribute::kConnectionState, kStateNew | kStateUntracked)});
  EXPECT_EQ(matches("-m conntrack ! --ctstate INVALID"),
            Matches{number_match(Attribute::kConnectionState, kStateInvalid, 0, true)});
  EXPECT_EQ(matches("-m state --state RELATED,ESTABLISHED"),
            Matches{number_match(Attribute::kConnectionState, kStateRelated | kStateEstablished)});
  EXPECT_EQ(matches("-m conntrack --ctdir REPLY"),
            Matches{number_match(Attribute::kConnectionDirection, 1)});
  EXPECT_EQ(matches("-m conntrack --ctstate NEW --ctdir ORIGINAL --ctorigdst 10.0.0.1"),
            (Matches{number_match(Attribute::kConnectionState, kStateNew),
                     number_match(Attribute::kConnectionDirection, 0),
                     text_match(Attribute::kOther, "-m conntrack --ctorigdst 10.0.0.1")}));
  // An untracked packet passes whatever its direction.
  EXPECT_EQ(matches("-m conntrack --ctstate UNTRACKED --ctdir REPLY"),
            Matches{text_match(Attribute::kOther,
                               "-m conntrack --ctstate UNTRACKED --ctdir REPLY")});
  EXPECT_EQ(matches("-m conntrack --ctstate DNAT"),
            Matches{text_match(Attribute::kOther, "-m conntrack --ctstate DNAT")});
  EXPECT_EQ(matches("-m conntrack --ctstatus CONFIRMED"),
            Matches{text_match(Attribute::kOther, "-m conntrack --ctstatus CONFIRMED", false,
                               false)});
}

TEST_F(LiveMatchesTest, KnowsWhichMatchesAreStable) {
  for (const char *const stable :
       {"-m addrtype --dst-type LOCAL", "-m mac --mac-source 00:11:22:33:44:55",
        "-m length --length 5:9", "-m pkttype --pkt-type broadcast"}) {
    const Matches found = matches(stable);
    ASSERT_EQ(found.size(), 1U) << stable;
    EXPECT_EQ(found[0], text_match(Attribute::kOther, stable)) << found[0].text;
  }
  for (const char *const unstable :
       {"-m limit --limit 5/sec", "-m statistic --mode random --probability 0.5",
        "-m recent --rcheck", "-m quota --quota 5", "-m connbytes --connbytes 5 --connbytes-mode "
        "bytes --connbytes-dir both", "-m connlimit --connlimit-above 5",
        "-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x", "-m time --timestart 01:00"}) {
    const CommandResult probe = run(words("iptables-legacy -t mangle -A OUTPUT " +
                                          std::string(unstable)));
    if (probe.status != 0) continue;
    const Matches found = matches(unstable);
    ASSERT_EQ(found.size(), 1U) << unstable;
    EXPECT_EQ(found[0].attribute, Attribute::kOther) << unstable;
    EXPECT_FALSE(found[0].is_stable) << unstable;
    EXPECT_TRUE(found[0].text.starts_with("-m ")) << found[0].text;
  }
}

TEST_F(LiveMatchesTest, KnowsWhereTargetsSendPackets) {
  const auto verdict = [](const std::string &table, const std::string &target) {
    return rule(table, "-p tcp -j " + target).outcome.verdict;
  };
  EXPECT_EQ(verdict("mangle", "ACCEPT"), Verdict::kAccept);
  EXPECT_EQ(verdict("mangle", "DROP"), Verdict::kDrop);
  EXPECT_EQ(verdict("mangle", "RETURN"), Verdict::kReturn);
  EXPECT_EQ(verdict("mangle", "QUEUE"), Verdict::kAccept);
  EXPECT_EQ(verdict("mangle", "NFQUEUE --queue-num 5"), Verdict::kAccept);
  EXPECT_EQ(verdict("filter", "REJECT"), Verdict::kDrop);
  EXPECT_EQ(verdict("nat", "DNAT --to-destination 10.0.0.1"), Verdict::kAccept);
  EXPECT_EQ(verdict("nat", "SNAT --to-source 10.0.0.1"), Verdict::kAccept);
  EXPECT_EQ(verdict("nat", "MASQUERADE"), Verdict::kAccept);
  EXPECT_EQ(verdict("nat", "REDIRECT --to-ports 5"), Verdict::kAccept);
  EXPECT_EQ(verdict("mangle", "TPROXY --on-port 5"), Verdict::kAccept);
  EXPECT_EQ(verdict("mangle", "MARK --set-mark 1"), Verdict::kContinue);
}

TEST_F(LiveMatchesTest, KnowsWhatEndsTrackingAndLooksAtMarks) {
  EXPECT_TRUE(rule("raw", "-j CT --notrack").untracks);
  EXPECT_TRUE(rule("raw", "-j NOTRACK").untracks);
  const Rule zone = rule("raw", "-j CT --zone mark");
  EXPECT_FALSE(zone.untracks);
  ASSERT_EQ(zone.tests.size(), 1U);
  EXPECT_EQ(zone.tests[0].mask, 0xffffU);
  EXPECT_FALSE(zone.tests[0].decides);
  EXPECT_FALSE(zone.text.empty());
  const Rule way_back = rule("mangle", "-m rpfilter --validmark");
  ASSERT_EQ(way_back.tests.size(), 1U);
  EXPECT_EQ(way_back.tests[0].mark, Mark::kPacket);
  EXPECT_EQ(way_back.tests[0].mask, kAllBits);
  EXPECT_FALSE(way_back.tests[0].value_known);
  EXPECT_TRUE(rule("mangle", "-m rpfilter --loose").tests.empty());
}

TEST_F(LiveMatchesTest, ReadsPoliciesAndNat) {
  run(words("iptables-legacy -P FORWARD DROP"));
  run(words("iptables-legacy -t nat -N user"));
  for (const Chain &chain : read().chains) {
    EXPECT_EQ(chain.policy_drops, chain.name == "FORWARD") << chain.table << ' ' << chain.name;
    EXPECT_EQ(chain.is_nat, chain.table == "nat" && chain.name != "user") << chain.name;
  }
}

// Nobody here has the target, and no kernel needs to have it.
TEST(XtTargetTest, PrefixTranslationIsNoEndOfAChain) {
  for (const char *const name : {"DNPT", "SNPT"}) {
    const std::vector<std::byte> data(40);
    Rule rule;
    RuleMarks marks(rule);
    EXPECT_FALSE(add_target({name, 0, data}, rule, marks));
    EXPECT_EQ(rule.outcome.verdict, Verdict::kContinue) << name;
  }
}

}  // namespace
}  // namespace connmark::test
