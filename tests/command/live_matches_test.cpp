// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rules of iptables-legacy ask for and where they send packets, as read
// from the kernel.
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "command/read_files/iptables_save_reader.h"
#include "command/read_kernel/legacy_tables.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/rule_set/rule_marks.h"
#include "support/command.h"
#include "support/private_network.h"
#include "support/random_rules.h"

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
  return {.attribute = attribute,
          .inverted = inverted,
          .is_stable = is_stable && attribute == Attribute::kOther,
          .text = text};
}

Match number_match(Attribute attribute, std::uint32_t from, std::uint32_t to = 0,
                   bool inverted = false) {
  return {.attribute = attribute, .inverted = inverted, .from = from, .to = to, .text = {}};
}

using Matches = std::vector<Match>;

TEST_F(LiveMatchesTest, ReadsAddressesInterfacesAndProtocols) {
  EXPECT_EQ(matches("-s 10.1.2.3/8 ! -d 192.0.2.1 -i eth+ ! -o lo -p tcp"),
            (Matches{text_match(Attribute::kSource, "10.0.0.0/8"),
                     text_match(Attribute::kDestination, "192.0.2.1/32", true),
                     text_match(Attribute::kInInterface, "eth+"),
                     text_match(Attribute::kOutInterface, "lo", true),
                     number_match(Attribute::kProtocol, 6, 6)}));
  EXPECT_EQ(matches("! -p 99"), Matches{number_match(Attribute::kProtocol, 99, 99, true)});
  EXPECT_EQ(matches("-s 10.0.0.0/255.0.255.0"),
            Matches{text_match(Attribute::kOther, "-s 10.0.0.0/255.0.255.0")});
  EXPECT_EQ(matches("! -f"), Matches{text_match(Attribute::kOther, "-f", true)});
  EXPECT_EQ(matches("-m comment --comment here"), Matches{});
  EXPECT_EQ(matches("-s 2001:DB8::1/64 -p icmpv6", Family::kIpv6),
            (Matches{text_match(Attribute::kSource, "2001:db8::/64"),
                     number_match(Attribute::kProtocol, 58, 58)}));
}

TEST_F(LiveMatchesTest, ReadsPorts) {
  const Match tcp = number_match(Attribute::kProtocol, 6, 6);
  EXPECT_EQ(matches("-p tcp --sport 5:9 ! --dport 80"),
            (Matches{tcp, number_match(Attribute::kSourcePort, 5, 9),
                     number_match(Attribute::kDestinationPort, 80, 80, true)}));
  EXPECT_EQ(matches("-p udp --dport 53"),
            (Matches{number_match(Attribute::kProtocol, 17, 17),
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
                     text_match(Attribute::kOther,
                                "-m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN")}));
  EXPECT_EQ(matches("-p tcp -m tcp"), Matches{tcp});
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
  // An untracked packet passes whatever the direction.
  const std::string both = "-m conntrack --ctstate UNTRACKED --ctdir REPLY";
  EXPECT_EQ(matches(both), (Matches{number_match(Attribute::kConnectionState, kStateUntracked),
                                    text_match(Attribute::kOther, both)}));
  const std::string destination = "-m conntrack --ctstate NEW --ctorigdst 10.0.0.1";
  EXPECT_EQ(matches(destination), (Matches{number_match(Attribute::kConnectionState, kStateNew),
                                           text_match(Attribute::kOther, destination)}));
  const std::string translated = "-m conntrack --ctstate DNAT";
  EXPECT_EQ(matches(translated), Matches{text_match(Attribute::kOther, translated)});
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
        "-m recent --rcheck", "-m quota --quota 5",
        "-m connbytes --connbytes 5 --connbytes-mode bytes --connbytes-dir both",
        "-m connlimit --connlimit-above 5",
        "-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x", "-m time --timestart 01:00"}) {
    const CommandResult probe =
        run(words("iptables-legacy -t mangle -A OUTPUT " + std::string(unstable)));
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
  EXPECT_FALSE(zone.tests[0].decides);
  EXPECT_FALSE(zone.text.empty());
  const Rule way_back = rule("mangle", "-m rpfilter --validmark");
  ASSERT_EQ(way_back.tests.size(), 1U);
  EXPECT_EQ(way_back.tests[0].mark, Mark::kPacket);
  EXPECT_EQ(way_back.tests[0].mask, kAllBits);
  EXPECT_FALSE(way_back.tests[0].value_known);
  EXPECT_TRUE(way_back.tests[0].decides);
  EXPECT_EQ(rule("mangle", "-j NFQUEUE --queue-num 5").tests.size(), 1U);
  EXPECT_EQ(rule("mangle", "-j QUEUE").text, "-A c -j QUEUE");
  EXPECT_TRUE(rule("mangle", "-m rpfilter --loose").tests.empty());
}

void expect_same(const Rule &live, const Rule &file) {
  EXPECT_EQ(live.number, file.number) << file.text;
  EXPECT_EQ(live.text, file.text);
  EXPECT_EQ(live.comment, file.comment) << file.text;
  EXPECT_EQ(live.untracks, file.untracks) << file.text;
  EXPECT_EQ(live.outcome, file.outcome) << file.text;
  EXPECT_EQ(live.unknown, file.unknown) << file.text;
  ASSERT_EQ(live.matches.size(), file.matches.size()) << file.text;
  for (std::size_t i = 0; i < live.matches.size(); ++i) {
    EXPECT_EQ(live.matches[i], file.matches[i]) << file.text << '\n'
                                                << live.matches[i].text << '\n'
                                                << file.matches[i].text;
  }
  ASSERT_EQ(live.tests.size(), file.tests.size()) << file.text;
  for (std::size_t i = 0; i < live.tests.size(); ++i) {
    const MarkTest &left = live.tests[i];
    const MarkTest &right = file.tests[i];
    EXPECT_EQ(left.mark, right.mark) << file.text;
    EXPECT_EQ(left.value, right.value) << file.text;
    EXPECT_EQ(left.mask, right.mask) << file.text;
    EXPECT_EQ(left.inverted, right.inverted) << file.text;
    EXPECT_EQ(left.value_known, right.value_known) << file.text;
    EXPECT_EQ(left.decides, right.decides) << file.text;
  }
  ASSERT_EQ(live.writes.size(), file.writes.size()) << file.text;
  for (std::size_t i = 0; i < live.writes.size(); ++i) {
    EXPECT_EQ(live.writes[i].mark, file.writes[i].mark) << file.text;
    EXPECT_EQ(live.writes[i].value, file.writes[i].value) << file.text;
    EXPECT_EQ(live.writes[i].matches_before, file.writes[i].matches_before) << file.text;
    EXPECT_EQ(live.writes[i].tests_before, file.writes[i].tests_before) << file.text;
  }
}

// Rules of random parts, loaded and read from the kernel, and from what
// iptables-legacy-save prints of them.
TEST_F(LiveMatchesTest, ReadsTheSameOfTheKernelAsOfItsText) {
  constexpr int kRules = 400;
  RandomRules random(random_seed());
  const auto one_of = [&random](std::initializer_list<const char *> choices) {
    return std::string(" ") +
           choices.begin()[random.below(static_cast<std::uint32_t>(choices.size()))];
  };
  std::string text = "*mangle\n:office - [0:0]\n";
  for (int i = 0; i < kRules; ++i) {
    text +=
        "-A PREROUTING" + one_of({"", "", "-s 10.1.2.3/8", "! -s 192.0.2.1"}) +
        one_of({"", "", "-d 10.0.0.0/255.0.255.0", "! -d 10.0.0.0/24"}) +
        one_of({"", "-i eth+", "! -i lo"}) +
        one_of({"", "-p tcp", "-p udp --dport 53", "! -p 99", "-p tcp --sport 5:9 ! --dport 80",
                "-p tcp -m multiport --dports 80:90", "-p tcp -m multiport --sports 80,90",
                "-p tcp --syn", "-p udp ! --sport 7:"}) +
        one_of({"", "", "-m conntrack --ctstate NEW,RELATED", "-m conntrack ! --ctstate INVALID",
                "-m conntrack --ctdir REPLY", "-m state --state ESTABLISHED",
                "-m conntrack --ctstate NEW --ctorigdst 10.0.0.1",
                "-m conntrack --ctstate NEW,SNAT"}) +
        one_of({"", "", "-m mark --mark 7/0xff", "-m mark ! --mark 9", "-m connmark --mark 1/3"}) +
        one_of({"", "", "-m limit --limit 5/sec", "-m addrtype --dst-type LOCAL",
                "-m comment --comment \"a \\\"b\\\" -j DROP\"",
                "-m statistic --mode nth --every 3 --packet 0", "-m length --length 5:9",
                "-m rpfilter --validmark", "-m socket --restore-skmark", "-m dscp --dscp 5"}) +
        one_of({"", "-j ACCEPT", "-j DROP", "-j RETURN", "-j office", "-g office",
                "-j MARK --set-xmark 1/3", "-j CONNMARK --save-mark",
                "-j CONNMARK --restore-mark --mask 0xff", "-j NFQUEUE --queue-num 1", "-j QUEUE",
                "-j CONNMARK --set-mark 5/7"}) +
        "\n";
  }
  const CommandResult loaded = run({"iptables-legacy-restore"}, text + "COMMIT\n");
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  const Ruleset live = read();
  Ruleset file;
  std::istringstream saved(run({"iptables-legacy-save"}).out);
  read_iptables_save(saved, "file", file);
  ASSERT_EQ(live.rules.size(), file.rules.size());
  for (std::size_t i = 0; i < live.rules.size(); ++i) {
    // The chains stand in another order.
    Rule rule = live.rules[i];
    for (const bool is_target : {false, true}) {
      ChainIndex &chain = is_target ? rule.outcome.chain : rule.chain;
      if (chain == kNoChain) continue;
      const auto found = std::ranges::find(file.chains, live.chains[chain].name, &Chain::name);
      chain = static_cast<ChainIndex>(found - file.chains.begin());
    }
    expect_same(rule, file.rules[i]);
    if (HasFatalFailure()) return;
  }
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
