// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the interpreter says against what the kernel does: random rule sets, packets
// in both directions of connections, and each rule's count and both marks at many
// places between the chains.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <tuple>
#include <utility>

#include "command/replay/connection.h"
#include "flow/packet_counts.h"
#include "flow/played_ruleset.h"
#include "flow/small_ruleset.h"
#include "flow/udp_socket.h"
#include "flow/veth_router.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

constexpr int kRulesets = 50;
constexpr int kPackets = 6;

// What packets of one direction have.
struct Direction {
  Way way = Way::kLooped;
  std::string in_interface;
  std::string out_interface;
};

const Direction kLoop{Way::kLooped, "lo", "lo"};

class DatagramAnswers : public Answers {
 public:
  // Empty names where it has no such interface.
  DatagramAnswers(std::uint32_t destination, std::string in_interface, std::string out_interface)
      : destination_(destination),
        in_interface_(std::move(in_interface)),
        out_interface_(std::move(out_interface)) {}

  bool passes(const Question & /*question*/, const Match &match) override {
    bool has = false;
    switch (match.attribute) {
      case Attribute::kProtocol:
        has = match.from == IPPROTO_UDP;
        break;
      case Attribute::kInInterface:
        has = match.text == in_interface_;
        break;
      case Attribute::kOutInterface:
        has = match.text == out_interface_;
        break;
      case Attribute::kDestinationPort:
        has = match.from <= destination_ && destination_ <= match.to;
        break;
      default:
        ADD_FAILURE() << "no rule is written with this match";
    }
    return has != match.inverted;
  }
  bool passes_unknown_test(const Question & /*question*/, std::uint32_t /*bits*/) override {
    return false;
  }
  std::uint32_t unknown_value(const Question & /*question*/, std::uint32_t /*unknown*/) override {
    return 0;
  }
  std::size_t branch(const Question & /*question*/, std::size_t count) override { return count; }
  bool translates(const Question & /*question*/) override { return false; }

 private:
  std::uint32_t destination_;
  std::string in_interface_;
  std::string out_interface_;
};

class KernelReplayTest : public testing::TestWithParam<std::tuple<bool, const char *>> {
 protected:
  bool is_ipv4() const { return std::get<0>(GetParam()); }
  connmark::Family family() const {
    return is_ipv4() ? connmark::Family::kIpv4 : connmark::Family::kIpv6;
  }
  std::string program(const std::string &verb) const {
    return (is_ipv4() ? "iptables-" : "ip6tables-") + std::string(std::get<1>(GetParam())) + verb;
  }

  void load(const PlayedRuleset &rules) {
    const CommandResult restored = run({program("-restore")}, rules.for_iptables);
    ASSERT_EQ(restored.status, 0) << restored.err << rules.for_iptables;
    const CommandResult read = run({"nft", "-f", "-"}, rules.for_nft);
    ASSERT_EQ(read.status, 0) << read.err << rules.for_nft;
  }

  // Sends packets of one connection, as its own replay lets them come.
  void play(RandomRules &random, const Interpreter &interpreter, const UdpSocket &client,
            const UdpSocket &server, const Direction &original, const Direction &reply,
            ReplayedCounts &replayed) {
    ASSERT_TRUE(server.is_bound() && client.is_bound());
    Connection connection;
    connection.family = family();
    for (int i = 0; i < kPackets; ++i) {
      const bool is_reply = connection.is_confirmed && random.one_in(2);
      const std::uint32_t mark = random.one_in(2) ? 0 : random.below(16);
      const UdpSocket &from = is_reply ? server : client;
      const UdpSocket &to = is_reply ? client : server;
      const Direction &direction = is_reply ? reply : original;
      const Packet packet = connection.next_packet(direction.way, is_reply);
      // Between two networks the kernel takes the mark away.
      const bool keeps_mark = direction.way == Way::kLooped || direction.way == Way::kSent;
      DatagramAnswers answers(to.port(), direction.in_interface, direction.out_interface);
      const Trace trace =
          interpreter.replay(packet, {.ct = connection.mark, .nf = keeps_mark ? mark : 0}, answers);
      connection.carry_on(packet, trace);
      replayed.add(trace);
      ASSERT_TRUE(from.send(to, mark)) << "SO_MARK";
      const bool is_accepted = trace.end == End::kAccepted;
      EXPECT_EQ(to.receives(is_accepted ? 5000 : 10), is_accepted) << "packet " << i;
    }
  }

  void compare(const PlayedRuleset &rules, const Counts &replayed) {
    Counts kernel;
    add_saved_rules(run({program("-save"), "-c"}).out, kernel);
    for (const char *table : {"played", "probe"}) {
      add_nft_table(run({"nft", "-j", "list", "table", "inet", table}).out, kernel);
    }
    EXPECT_TRUE(kernel == replayed)
        << "kernel:\n"
        << differences(kernel, replayed) << "replayed:\n"
        << differences(replayed, kernel) << rules.for_iptables << rules.for_nft;
  }

  static std::uint16_t any_port(RandomRules &random) {
    return static_cast<std::uint16_t>(kPlayedPorts[random.below(2)]);
  }

  static std::uint64_t printed_seed() {
    std::cout << "seed " << random_seed() << "\n";
    return random_seed();
  }
};

TEST_P(KernelReplayTest, LoopedPackets) {
  RandomRules random(printed_seed());
  const std::string address = is_ipv4() ? "127.0.0.1" : "::1";
  for (int i = 0; i < kRulesets && !HasFailure(); ++i) {
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const PlayedRuleset rules = played_ruleset(random, family());
    ASSERT_NO_FATAL_FAILURE(load(rules));
    const Interpreter interpreter(rules.ruleset);
    ReplayedCounts replayed(rules.ruleset);
    for (int flow = 0; flow < 2; ++flow) {
      const UdpSocket client(address, 0);
      const UdpSocket server(address, any_port(random));
      ASSERT_NO_FATAL_FAILURE(play(random, interpreter, client, server, kLoop, kLoop, replayed));
    }
    compare(rules, replayed.counts);
  }
}

class RouterReplayTest : public KernelReplayTest {};

TEST_P(RouterReplayTest, ForwardedReceivedAndSentPackets) {
  RandomRules random(printed_seed() + 1);
  using Side = VethRouter::Side;
  for (int i = 0; i < kRulesets / 2 && !HasFailure(); ++i) {
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    VethRouter router;
    if (const std::string why = router.start(); !why.empty()) GTEST_SKIP() << why;
    const PlayedRuleset rules = played_ruleset(random, family());
    ASSERT_NO_FATAL_FAILURE(load(rules));
    const Interpreter interpreter(rules.ruleset);
    ReplayedCounts replayed(rules.ruleset);
    const auto left = router.socket(Side::kLeft, 0);
    const auto right_server = router.socket(Side::kRight, any_port(random));
    play(random, interpreter, *left, *right_server, {Way::kForwarded, "left", "right"},
         {Way::kForwarded, "right", "left"}, replayed);
    const UdpSocket own_server(VethRouter::kAddress, any_port(random));
    play(random, interpreter, *left, own_server, {Way::kReceived, "left", ""},
         {Way::kSent, "", "left"}, replayed);
    const UdpSocket own(VethRouter::kAddress, 0);
    const auto left_server = router.socket(Side::kLeft, any_port(random));
    play(random, interpreter, own, *left_server, {Way::kSent, "", "left"},
         {Way::kReceived, "left", ""}, replayed);
    compare(rules, replayed.counts);
  }
}

// The mark that a policy rule refuses, written in one place at a time: the packet
// comes unless the interpreter has routing see the mark.
TEST(KernelRoutingTest, LooksAtTheMarkWhereTheInterpreterSays) {
  struct Case {
    const char *type;
    const char *hook_name;
    Hook hook;
    int priority;
  };
  for (const Case &each : {Case{"filter", "output", Hook::kOutput, kRawPriority},
                           Case{"filter", "output", Hook::kOutput, kFilterPriority},
                           Case{"route", "output", Hook::kOutput, kManglePriority},
                           Case{"route", "output", Hook::kOutput, 300},
                           Case{"nat", "output", Hook::kOutput, kDestinationNatPriority},
                           Case{"filter", "postrouting", Hook::kPostrouting, kManglePriority},
                           Case{"filter", "prerouting", Hook::kPrerouting, kManglePriority},
                           Case{"filter", "input", Hook::kInput, kManglePriority}}) {
    for (const std::uint32_t mark : {0U, 4U, 5U}) {
      if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
      SmallRuleset rules;
      rules.policy_rule(5, kAllBits);
      Chain chain;
      chain.input = 1;
      chain.family = connmark::Family::kInet;
      chain.hook = each.hook;
      chain.priority = each.priority;
      chain.reroutes = std::string(each.type) == "route";
      chain.is_nat = std::string(each.type) == "nat";
      rules.sets(rules.add(chain), Mark::kPacket, 1, 1);

      for (const char *command : {"ip rule add fwmark 5 unreachable pref 1",
                                  "ip rule add lookup local pref 2", "ip rule del pref 0"}) {
        const CommandResult result = run(words(command));
        ASSERT_EQ(result.status, 0) << command << ": " << result.err;
      }
      const CommandResult read =
          run({"nft", "-f", "-"}, "table inet played {\n  chain any {\n    type " +
                                      std::string(each.type) + " hook " + each.hook_name +
                                      " priority " + std::to_string(each.priority) +
                                      "\n    meta mark set meta mark and 0xfffffffe xor 1\n"
                                      "    ct state established accept\n  }\n}\n");
      ASSERT_EQ(read.status, 0) << read.err;

      const UdpSocket client("127.0.0.1", 0);
      const UdpSocket server("127.0.0.1", kPlayedPorts[0]);
      DatagramAnswers answers(kPlayedPorts[0], "lo", "lo");
      const Trace trace =
          Interpreter(rules.set.ruleset).replay({.way = Way::kLooped}, {.nf = mark}, answers);
      const bool is_refused = std::any_of(trace.observations.begin(), trace.observations.end(),
                                          [](const Observation &seen) { return seen.bits == 5; });
      ASSERT_TRUE(client.send(server, mark)) << "SO_MARK";
      EXPECT_EQ(server.receives(is_refused ? 20 : 5000), !is_refused)
          << each.type << " " << each.hook_name << " " << each.priority << " " << mark;
    }
  }
}

const auto kBackEnds = testing::Values("legacy", "nft");

std::string name_of(const testing::TestParamInfo<std::tuple<bool, const char *>> &each) {
  const auto &[is_ipv4, back_end] = each.param;
  return std::string(is_ipv4 ? "Ipv4" : "Ipv6") + back_end;
}

INSTANTIATE_TEST_SUITE_P(AllBackEnds, KernelReplayTest,
                         testing::Combine(testing::Bool(), kBackEnds), name_of);
INSTANTIATE_TEST_SUITE_P(AllBackEnds, RouterReplayTest,
                         testing::Combine(testing::Values(true), kBackEnds), name_of);

}  // namespace
}  // namespace connmark::test
