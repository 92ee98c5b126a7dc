// SPDX-License-Identifier: GPL-2.0-or-later
//
// connmark audit of a real kernel: both back ends of iptables, rules of nft, and
// ip rule, in a private network.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "command/audit_inputs.h"
#include "command/connmark_command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

class LiveAuditTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char *program : {"iptables-legacy-restore", "iptables-nft-restore", "nft", "ip"}) {
      if (!is_installed(program)) GTEST_SKIP() << program << " is not installed";
    }
    // The kernel gives the list of legacy tables to the root of a user namespace
    // only if it was one before the network was made.
    for (int i = 0; i < 2; ++i) {
      if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    }
  }

  static void load(const std::string &program, const std::string &ruleset) {
    std::ifstream in(ruleset_file(ruleset));
    std::ostringstream text;
    text << in.rdbuf();
    const CommandResult result = run({program, "--noflush"}, text.str());
    ASSERT_EQ(result.status, 0) << result.err;
  }

  static void load_nft(const std::string &text) {
    const CommandResult result = run({"nft", "-f", "-"}, text);
    ASSERT_EQ(result.status, 0) << result.err;
  }

  static void add_policy_rule(const std::string &words_of_rule) {
    std::vector<std::string> argv{"ip", "rule", "add"};
    for (const std::string &word : words(words_of_rule)) argv.push_back(word);
    const CommandResult result = run(argv);
    ASSERT_EQ(result.status, 0) << result.err;
  }

  static bool collide(const AuditResult &result, const std::string &one, const std::string &other) {
    return std::ranges::any_of(result.json["findings"], [&](const Json &finding) {
      return finding["id"] == "shared-bits" &&
             (finding["hurt"] == Json{one, other} || finding["hurt"] == Json{other, one});
    });
  }
};

TEST_F(LiveAuditTest, HasNothingToSayOfAFreshNetwork) {
  const AuditResult result = audit({});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.json["owners"], Json::array());
  EXPECT_EQ(result.json["findings"], Json::array());
}

TEST_F(LiveAuditTest, FindsTailscaleAndCalicoInDifferentBackEnds) {
  load("iptables-legacy-restore", "calico");
  load("iptables-nft-restore", "tailscale");
  add_policy_rule("fwmark 0x80000/0xff0000 lookup main pref 5210");
  const AuditResult result = audit({});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(collide(result, "Tailscale", "Calico")) << result.json["findings"].dump(2);
  for (const Json &rule : result.finding("shared-bits")["rules"]) {
    EXPECT_EQ(rule["rule"].get<std::string>().find("-A "), 0U) << rule.dump();
    EXPECT_GT(rule["number"], 0);
  }
}

TEST_F(LiveAuditTest, FindsTailscaleOfNftAndCalicoOfIptables) {
  load("iptables-legacy-restore", "calico");
  load("iptables-nft-restore", "kube-proxy");
  load_nft(
      "table inet ts {\n"
      "chain ts-forward {\ntype filter hook forward priority 0\n"
      "meta mark set meta mark and 0xff00ffff xor 0x40000\n}\n"
      "chain ts-prerouting {\ntype filter hook prerouting priority -150\n"
      "ct state established,related meta mark set ct mark and 0xff0000\n}\n}\n");
  const AuditResult result = audit({});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(collide(result, "Tailscale", "Calico")) << result.json["findings"].dump(2);
  const Json finding = result.finding("unmasked-restore");
  ASSERT_FALSE(finding.is_null()) << result.json["findings"].dump(2);
  EXPECT_EQ(finding["hurt"], Json{"kube-proxy"});
  EXPECT_EQ(
      finding["rules"][0]["better"],
      if_nft_takes_two_marks("meta mark set meta mark and 0xff00ffff or ct mark and 0xff0000"));
}

TEST_F(LiveAuditTest, ReadsTheSameOfFilesAsOfTheKernel) {
  load("iptables-legacy-restore", "gke-netd");
  load("iptables-legacy-restore", "calico");
  const AuditResult live = audit({});
  const AuditResult files = audit_rules(run({"iptables-legacy-save"}).out);
  EXPECT_EQ(live.status, 1) << live.err;
  EXPECT_EQ(live.ids(), files.ids());
  EXPECT_EQ(live.json["owners"], files.json["owners"]);
}

TEST_F(LiveAuditTest, FindsMarksThatComeTooLateForRealPolicyRules) {
  load_nft(
      "table ip office {\nchain late {\ntype filter hook postrouting priority 0\n"
      "meta mark set 0x2\n}\n}\n");
  add_policy_rule("fwmark 0x2 lookup main pref 99");
  const AuditResult late = audit({});
  EXPECT_NE(late.finding("too-late-for-routing"), Json(nullptr)) << late.json.dump(2);
  load_nft(
      "flush ruleset\ntable ip office {\nchain early {\ntype route hook output priority 0\n"
      "meta mark set 0x2\n}\n}\n");
  EXPECT_EQ(audit({}).ids(true), std::vector<std::string>{});
}

TEST_F(LiveAuditTest, FindsStrictReversePathChecksOfThisNetwork) {
  const auto set = [](const char *name, const char *value) {
    std::ofstream out(std::string("/proc/sys/net/ipv4/conf/") + name);
    out << value << std::flush;
    return out.good();
  };
  if (!set("all/rp_filter", "1")) GTEST_SKIP() << "sysctls cannot be set in here";
  // A network has no other interface than lo, which is not checked.
  if (run({"ip", "link", "add", "wan2", "type", "veth", "peer", "name", "far"}).status != 0) {
    GTEST_SKIP() << "this kernel has no veth interfaces";
  }
  load_nft(
      "table ip office {\nchain pre {\ntype filter hook prerouting priority -150\n"
      "ct mark set 0x2\nmeta mark set ct mark\n}\n}\n");
  add_policy_rule("fwmark 0x2 lookup main pref 99");
  EXPECT_EQ(audit({}).ids(), std::vector<std::string>{"strict-rp-filter"});
  ASSERT_TRUE(set("all/src_valid_mark", "1"));
  EXPECT_EQ(audit({}).ids(), std::vector<std::string>{});
}

TEST(LiveAuditPermissionTest, SaysWhatItTakes) {
  std::vector<std::string> argv{connmark_path(), "audit", "--owners", owners_file()};
  if (geteuid() == 0) {
    const std::vector<std::string> other_user{"setpriv", "--reuid=65534", "--clear-groups",
                                              "--inh-caps=-all"};
    argv.insert(argv.begin(), other_user.begin(), other_user.end());
    std::vector<std::string> probe = other_user;
    probe.insert(probe.end(),
                 {connmark_path(), "audit", "--owners", owners_file(), "--iptables", "/dev/null"});
    if (run(probe).status != 0) GTEST_SKIP() << "another user cannot run the command here";
  }
  const CommandResult result = run(argv);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("CAP_NET_ADMIN"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace connmark::test
