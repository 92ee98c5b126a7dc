// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the interpreter says against what the kernel does: random rule sets, packets
// in both directions of a connection over the loopback interface, and each rule's
// count and both marks at many places between the chains.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "command/replay/connection.h"
#include "flow/played_ruleset.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

constexpr int kRulesets = 50;
constexpr int kPackets = 6;

// A UDP socket bound to a port of this host, or with port 0 to any.
class UdpSocket {
 public:
  UdpSocket(bool is_ipv4, std::uint16_t port) : is_ipv4_(is_ipv4) {
    socket_ = ::socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_storage address = local(port);
    is_bound_ = bind(socket_, reinterpret_cast<const sockaddr *>(&address), size()) == 0;
  }
  ~UdpSocket() { close(socket_); }
  UdpSocket(const UdpSocket &) = delete;
  UdpSocket &operator=(const UdpSocket &) = delete;

  bool is_bound() const { return is_bound_; }

  std::uint16_t port() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &length);
    return ntohs(is_ipv4_ ? reinterpret_cast<const sockaddr_in &>(address).sin_port
                          : reinterpret_cast<const sockaddr_in6 &>(address).sin6_port);
  }

  // False where the packet cannot have the mark.
  bool send(std::uint16_t port, std::uint32_t mark) const {
    if (setsockopt(socket_, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) return false;
    const sockaddr_storage address = local(port);
    sendto(socket_, "x", 1, 0, reinterpret_cast<const sockaddr *>(&address), size());
    return true;
  }

  // Whether a datagram comes within `milliseconds`; takes it away.
  bool receives(int milliseconds) const {
    pollfd each{.fd = socket_, .events = POLLIN, .revents = 0};
    char byte = 0;
    return poll(&each, 1, milliseconds) == 1 && recv(socket_, &byte, 1, MSG_DONTWAIT) == 1;
  }

 private:
  socklen_t size() const { return is_ipv4_ ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }

  sockaddr_storage local(std::uint16_t port) const {
    sockaddr_storage result{};
    if (is_ipv4_) {
      auto &address = reinterpret_cast<sockaddr_in &>(result);
      address.sin_family = AF_INET;
      address.sin_port = htons(port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      auto &address = reinterpret_cast<sockaddr_in6 &>(result);
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    }
    return result;
  }

  bool is_ipv4_;
  bool is_bound_ = false;
  int socket_ = -1;
};

// A datagram to `destination` that never leaves the loopback interface.
class DatagramAnswers : public Answers {
 public:
  explicit DatagramAnswers(std::uint32_t destination) : destination_(destination) {}

  bool passes(const Question & /*question*/, const Match &match) override {
    bool has = false;
    switch (match.attribute) {
      case Attribute::kProtocol:
        has = match.from == IPPROTO_UDP;
        break;
      case Attribute::kInInterface:
      case Attribute::kOutInterface:
        has = match.text == "lo";
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
};

// Packets by place: of a rule (table, chain, number from 0), and of a probe with marks.
struct Counts {
  std::map<std::tuple<std::string, std::string, std::size_t>, std::uint64_t> by_rule;
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::uint64_t> by_probe;

  bool operator==(const Counts &) const = default;
};

std::string text_of(const Counts &counts, const Counts &other) {
  std::string text;
  for (const auto &[key, count] : counts.by_rule) {
    const auto found = other.by_rule.find(key);
    if (found != other.by_rule.end() && found->second == count) continue;
    text += "  " + std::get<0>(key) + " " + std::get<1>(key) + " rule " +
            std::to_string(std::get<2>(key)) + ": " + std::to_string(count) + "\n";
  }
  for (const auto &[key, count] : counts.by_probe) {
    const auto found = other.by_probe.find(key);
    if (found != other.by_probe.end() && found->second == count) continue;
    text += "  " + std::get<0>(key) + " packet " + std::to_string(std::get<1>(key)) +
            " connection " + std::to_string(std::get<2>(key)) + ": " + std::to_string(count) + "\n";
  }
  return text;
}

class Replayed {
 public:
  explicit Replayed(const Ruleset &ruleset) : ruleset_(ruleset), numbers_(ruleset.rules.size()) {
    std::map<ChainIndex, std::size_t> next;
    for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
      numbers_[i] = next[ruleset.rules[i].chain]++;
      const Chain &chain = ruleset.chains[ruleset.rules[i].chain];
      if (chain.table != "probe") counts.by_rule[key(chain, numbers_[i])] = 0;
    }
  }

  void add(const Trace &trace) {
    for (const Step &step : trace.steps) {
      if (!step.matched) continue;
      const Chain &chain = ruleset_.chains[ruleset_.rules[step.rule].chain];
      const std::size_t number = numbers_[step.rule];
      if (chain.table != "probe") {
        ++counts.by_rule[key(chain, number)];
      } else if (number == 0) {
        ++counts.by_probe[{chain.name + "_both", step.marks.nf, step.marks.ct}];
      } else {
        ++counts.by_probe[{chain.name + "_one", step.marks.nf, 0}];
      }
    }
  }

  Counts counts;

 private:
  static std::tuple<std::string, std::string, std::size_t> key(const Chain &chain,
                                                               std::size_t number) {
    return {chain.table, chain.name, number};
  }

  const Ruleset &ruleset_;
  std::vector<std::size_t> numbers_;
};

void count_saved_rules(const std::string &saved, Counts &counts) {
  std::string table;
  std::map<std::string, std::size_t> next;
  for (const std::string &line : lines(saved)) {
    if (line.starts_with("*")) {
      table = line.substr(1);
      next.clear();
    }
    if (!line.starts_with("[")) continue;
    const std::vector<std::string> all = words(line);
    counts.by_rule[{table, all.at(2), next[all.at(2)]++}] = std::stoull(line.substr(1));
  }
}

void count_nft_table(const std::string &json, Counts &counts) {
  std::map<std::string, std::size_t> next;
  const nlohmann::json all = nlohmann::json::parse(json);
  for (const auto &each : all.at("nftables")) {
    if (each.contains("rule") && each["rule"]["table"] == "played") {
      const std::string chain = each["rule"]["chain"];
      for (const auto &expression : each["rule"]["expr"]) {
        if (!expression.contains("counter")) continue;
        counts.by_rule[{"played", chain, next[chain]++}] = expression["counter"]["packets"];
      }
    }
    if (!each.contains("set") || !each["set"].contains("elem")) continue;
    const std::string name = each["set"]["name"];
    for (const auto &element : each["set"]["elem"]) {
      const auto &value = element.at("elem").at("val");
      const bool is_pair = value.is_object();
      const std::uint32_t packet = is_pair ? value.at("concat").at(0) : value;
      const std::uint32_t connection = is_pair ? value.at("concat").at(1).get<std::uint32_t>() : 0;
      counts.by_probe[{name, packet, connection}] = element.at("elem").at("counter").at("packets");
    }
  }
}

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
  void play(RandomRules &random, const Ruleset &ruleset, Replayed &replayed) {
    const Interpreter interpreter(ruleset);
    const auto server_port = static_cast<std::uint16_t>(kPlayedPorts[random.below(2)]);
    const UdpSocket server(is_ipv4(), server_port);
    const UdpSocket client(is_ipv4(), 0);
    ASSERT_TRUE(server.is_bound() && client.is_bound());
    Connection connection;
    connection.family = family();
    for (int i = 0; i < kPackets; ++i) {
      const bool is_reply = connection.is_confirmed && random.one_in(2);
      const std::uint32_t mark = random.one_in(2) ? 0 : random.below(16);
      const UdpSocket &from = is_reply ? server : client;
      const UdpSocket &to = is_reply ? client : server;
      const Packet packet = connection.next_packet(Way::kLooped, is_reply);
      DatagramAnswers answers(to.port());
      const Trace trace = interpreter.replay(packet, {.ct = connection.mark, .nf = mark}, answers);
      connection.carry_on(packet, trace);
      replayed.add(trace);
      ASSERT_TRUE(from.send(to.port(), mark)) << "SO_MARK";
      const bool is_accepted = trace.end == End::kAccepted;
      EXPECT_EQ(to.receives(is_accepted ? 2000 : 10), is_accepted) << "packet " << i;
    }
  }

  Counts counted() {
    Counts counts;
    count_saved_rules(run({program("-save"), "-c"}).out, counts);
    for (const char *table : {"played", "probe"}) {
      count_nft_table(run({"nft", "-j", "list", "table", "inet", table}).out, counts);
    }
    return counts;
  }
};

TEST_P(KernelReplayTest, MarksAndCountsAreTheKernels) {
  const std::uint64_t seed = random_seed();
  RecordProperty("seed", std::to_string(seed));
  std::cout << "seed " << seed << "\n";
  RandomRules random(seed);
  for (int i = 0; i < kRulesets && !HasFailure(); ++i) {
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const PlayedRuleset rules = played_ruleset(random, family());
    ASSERT_NO_FATAL_FAILURE(load(rules));
    Replayed replayed(rules.ruleset);
    for (int flow = 0; flow < 2; ++flow) {
      ASSERT_NO_FATAL_FAILURE(play(random, rules.ruleset, replayed));
    }
    const Counts kernel = counted();
    EXPECT_TRUE(kernel == replayed.counts)
        << "rule set " << i << "\nkernel:\n"
        << text_of(kernel, replayed.counts) << "replayed:\n"
        << text_of(replayed.counts, kernel) << rules.for_iptables << rules.for_nft;
  }
}

INSTANTIATE_TEST_SUITE_P(AllBackEnds, KernelReplayTest,
                         testing::Combine(testing::Bool(), testing::Values("legacy", "nft")),
                         [](const auto &each) {
                           return std::string(std::get<0>(each.param) ? "Ipv4" : "Ipv6") +
                                  (std::string(std::get<1>(each.param)) == "nft" ? "Nft"
                                                                                 : "Legacy");
                         });

}  // namespace
}  // namespace connmark::test
