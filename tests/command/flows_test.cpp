// SPDX-License-Identifier: GPL-2.0-or-later
//
// Real connections of a private network, which nft marks by their port.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command/connmark_command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

using Json = nlohmann::json;

constexpr std::uint16_t kPorts[] = {1001, 1002, 1003};
constexpr std::uint64_t kHeaders = 28;  // of IPv4 and UDP

class Socket {
 public:
  Socket() : number_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { close(number_); }
  Socket(const Socket &) = delete;
  Socket &operator=(const Socket &) = delete;

  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  // So that no ICMP answer is of a connection with this port.
  bool listen(std::uint16_t port) {
    const sockaddr_in to = address(port);
    return bind(number_, reinterpret_cast<const sockaddr *>(&to), sizeof to) == 0;
  }

  bool send(std::uint16_t port, std::size_t size) { return send(address(port), size); }

  // Answers the first datagram that has come.
  bool answer(std::size_t size) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    char text[1];
    return recvfrom(number_, text, sizeof text, 0, reinterpret_cast<sockaddr *>(&from), &length) >=
               0 &&
           send(from, size);
  }

 private:
  bool send(const sockaddr_in &to, std::size_t size) {
    const std::string text(size, 'x');
    return sendto(number_, text.data(), text.size(), 0, reinterpret_cast<const sockaddr *>(&to),
                  sizeof to) == static_cast<ssize_t>(size);
  }

  int number_;
};

// A network in which port 1001 has mark 0x40000, port 1002 mark 0x80 and port
// 1003 none.
class FlowsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const CommandResult loaded = run(
        {"nft", "-f", "-"},
        "table ip flows {\nchain output {\ntype filter hook output priority 0\n"
        "udp dport 1001 ct mark set 0x40000\nudp dport 1002 ct mark set 0x80\nct mark 0\n}\n}\n");
    ASSERT_EQ(loaded.status, 0) << loaded.err;
    for (const std::uint16_t port : kPorts) {
      // A socket belongs to the network in which it was made.
      receivers_.push_back(std::make_unique<Socket>());
      ASSERT_TRUE(receivers_.back()->listen(port));
    }
  }

  static bool set_accounting(bool on) {
    std::ofstream out("/proc/sys/net/netfilter/nf_conntrack_acct");
    out << on << std::flush;
    return out.good();
  }

  Socket &receiver(std::uint16_t port) {
    return *receivers_.at(static_cast<std::size_t>(port - kPorts[0]));
  }

  static CommandResult flows(std::vector<std::string> words) {
    words.insert(words.begin(), {"flows", "--owners", owners_file()});
    return run_connmark(words);
  }

 private:
  std::vector<std::unique_ptr<Socket>> receivers_;
};

TEST_F(FlowsTest, CountsConnectionsAndBytesByMark) {
  if (!set_accounting(true)) GTEST_SKIP() << "accounting cannot be turned on in here";
  Socket first;
  Socket second;
  ASSERT_TRUE(first.send(1001, 72) && first.send(1001, 72) && second.send(1001, 72));
  ASSERT_TRUE(first.send(1002, 22) && second.send(1003, 32));
  ASSERT_TRUE(receiver(1002).answer(500));
  const CommandResult result = flows({"--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["accounting"], true);
  ASSERT_EQ(json["marks"].size(), 3U) << result.out;
  EXPECT_EQ(json["marks"][0]["mark"], 0x40000);
  EXPECT_EQ(json["marks"][0]["connections"], 2);
  EXPECT_EQ(json["marks"][0]["packets"], 3);
  EXPECT_EQ(json["marks"][0]["bytes"], 3 * (72 + kHeaders));
  EXPECT_EQ(json["marks"][0]["owners"][1]["name"], "Tailscale");
  EXPECT_EQ(json["marks"][1]["mark"], 0);
  EXPECT_EQ(json["marks"][1]["owners"], Json::array());
  EXPECT_EQ(json["marks"][2]["mark"], 0x80);
  EXPECT_EQ(json["marks"][2]["packets"], 2);
  EXPECT_EQ(json["marks"][2]["bytes"], 22 + 500 + 2 * kHeaders);
  EXPECT_EQ(json["total"]["connections"], 4);
}

TEST_F(FlowsTest, PrintsATableForPeople) {
  if (!set_accounting(true)) GTEST_SKIP() << "accounting cannot be turned on in here";
  Socket socket;
  ASSERT_TRUE(socket.send(1001, 72) && socket.send(1003, 32));
  const CommandResult result = flows({"--owner", "office=0xff0000"});
  EXPECT_EQ(result.out,
            "connections           bytes  mark        owner's bits\n"
            "          1              60  0x0         -\n"
            "          1             100  0x40000     office 0x40000\n"
            "\n"
            "connections           bytes  owner\n"
            "          1             100  office\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(FlowsTest, SaysHowBytesAreCountedWhereTheyAreNot) {
  if (!set_accounting(false)) GTEST_SKIP() << "accounting cannot be turned off in here";
  Socket socket;
  ASSERT_TRUE(socket.send(1002, 72));
  EXPECT_EQ(flows({"--owner", "me=0x80"}).out,
            "connections           bytes  mark        owner's bits\n"
            "          1               -  0x80        me 0x80\n"
            "\n"
            "connections           bytes  owner\n"
            "          1               -  me\n"
            "\n"
            "Bytes are counted after: sysctl net.netfilter.nf_conntrack_acct=1\n");
}

TEST_F(FlowsTest, FiltersByMark) {
  Socket socket;
  ASSERT_TRUE(socket.send(1001, 1) && socket.send(1002, 1) && socket.send(1003, 1));
  const auto marks = [](const std::string &filter) {
    std::vector<std::uint32_t> found;
    const Json json = Json::parse(flows({"--json", "--mark", filter}).out);
    for (const Json &each : json["marks"]) {
      found.push_back(each["mark"]);
    }
    return found;
  };
  using Found = std::vector<std::uint32_t>;
  EXPECT_EQ(marks("0x80"), Found{0x80});
  EXPECT_EQ(marks("0x40000/0xff0000"), Found{0x40000});
  EXPECT_EQ(marks("0/0xff0000"), (Found{0, 0x80}));
  EXPECT_EQ(marks("0"), Found{0});
  EXPECT_EQ(marks("0x81"), Found{});
}

TEST_F(FlowsTest, CountsThousands) {
  constexpr int kConnections = 3000;
  for (int i = 0; i < kConnections; ++i) {
    Socket socket;
    ASSERT_TRUE(socket.send(1001, 1));
  }
  const Json json = Json::parse(flows({"--json"}).out);
  // A source port may have been used twice.
  EXPECT_GT(json["total"]["connections"], kConnections * 3 / 4);
  EXPECT_LE(json["total"]["connections"], kConnections);
  EXPECT_EQ(json["marks"].size(), 1U);
}

// Sends until the watcher has seen enough; it has no way to say that it listens.
TEST_F(FlowsTest, WatchesConnectionsBegin) {
  const pid_t sender = fork();
  ASSERT_GE(sender, 0);
  if (sender == 0) {
    while (true) {
      Socket socket;
      if (!socket.send(1001, 1)) _exit(1);
      usleep(20000);
    }
  }
  const CommandResult result =
      flows({"--watch", "--events", "2", "--mark", "0x40000", "--owner", "office=0xff0000"});
  kill(sender, SIGKILL);
  waitpid(sender, nullptr, 0);
  EXPECT_EQ(result.status, 0) << result.err;
  const std::vector<std::string> events = lines(result.out);
  ASSERT_EQ(events.size(), 2U) << result.out;
  for (const std::string &event : events) {
    EXPECT_EQ(event.find("new     udp 127.0.0.1:"), 0U) << event;
    EXPECT_NE(event.find(" to 127.0.0.1:1001  mark 0x40000  office 0x40000"), event.npos) << event;
  }
}

TEST(FlowsPermissionTest, SaysWhatItTakes) {
  if (geteuid() == 0) {
    if (!is_installed("setpriv")) GTEST_SKIP() << "setpriv is not installed";
    const CommandResult probe =
        run({"setpriv", "--reuid=65534", "--clear-groups", connmark_path(), "--version"});
    if (probe.status != 0) GTEST_SKIP() << "another user cannot run the command here";
  }
  std::vector<std::string> argv{connmark_path(), "flows", "--owner", "me=1"};
  if (geteuid() == 0) {
    argv.insert(argv.begin(), {"setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"});
  }
  const CommandResult result = run(argv);
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("connmark: flows: the kernel shows connections to those with "
                            "CAP_NET_ADMIN only, run it as root\n"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace connmark::test
