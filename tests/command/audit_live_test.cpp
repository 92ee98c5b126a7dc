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
#include "command/temporary_file.h"
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

// -- what cannot be read --------------------------------------------------------

// Runs the words in a network, and what `prepare` does to a private /proc.
CommandResult audit_in(const std::vector<std::string> &unshare, const std::string &prepare) {
  std::vector<std::string> argv = unshare;
  argv.insert(argv.end(), {"sh", "-c", prepare + "exec \"$@\"", "sh", connmark_path(), "audit",
                           "--json", "--owners", owners_file()});
  return run(argv);
}

Json omission(const Json &document, const std::string &name) {
  for (const Json &each : document.at("not_looked_at")) {
    if (each.at("name") == name) return each;
  }
  return {};
}

TEST(IncompleteAuditTest, ReadsLegacyTablesWhereProcShowsProcessesAlone) {
  const std::vector<std::string> unshare{"unshare", "-rnmp", "--fork"};
  const std::string proc = "mount -t proc -o subset=pid proc /proc && ";
  std::vector<std::string> probe = unshare;
  probe.insert(probe.end(), {"sh", "-c", proc + "true"});
  if (const CommandResult probed = run(probe); probed.status != 0) {
    GTEST_SKIP() << "/proc cannot be mounted so in here: " << probed.err;
  }
  const CommandResult result = audit_in(unshare, proc);
  EXPECT_EQ(result.status, 3) << result.err << result.out;
  const Json document = Json::parse(result.out);
  const Json filters = omission(document, "kernel: reverse-path checks");
  EXPECT_EQ(filters["reason"], "cannot be read") << document.dump(2);
  EXPECT_EQ(filters["incomplete"], true);
  EXPECT_NE(filters["why"].get<std::string>().find("/proc/sys/net/ipv4/conf"), std::string::npos);
  for (const Json &each : document["not_looked_at"]) {
    if (each == filters) continue;
    EXPECT_EQ(each["reason"], "not in this kernel") << each.dump();
  }
}

TEST(IncompleteAuditTest, SaysWhichTablesAreHiddenWithProc) {
  const std::vector<std::string> unshare{"unshare", "-rnm"};
  const std::string hide = "mount -t tmpfs none /proc && ";
  std::vector<std::string> probe = unshare;
  probe.insert(probe.end(), {"sh", "-c", hide + "true"});
  if (const CommandResult probed = run(probe); probed.status != 0) {
    GTEST_SKIP() << "/proc cannot be hidden in here: " << probed.err;
  }
  const CommandResult result = audit_in(unshare, hide);
  EXPECT_EQ(result.status, 3) << result.err << result.out;
  const Json document = Json::parse(result.out);
  if (is_installed("iptables-legacy")) {
    const Json tables = omission(document, "kernel: legacy ip tables");
    EXPECT_EQ(tables["reason"], "cannot be read") << document.dump(2);
  }
  EXPECT_EQ(omission(document, "kernel: reverse-path checks")["reason"], "cannot be read");
  const std::string text = run({"unshare", "-rnm", "sh", "-c", hide + "exec \"$@\"", "sh",
                                connmark_path(), "audit", "--owners", owners_file()})
                               .out;
  EXPECT_TRUE(text.starts_with("Looked at:\n")) << text;
  EXPECT_NE(text.find("Not looked at:\n"), text.npos) << text;
  EXPECT_NE(text.find("  kernel: reverse-path checks: cannot be read, "), text.npos) << text;
}

// The list of legacy tables belongs to the root of the first namespace, whoever
// is root in this one.
TEST(IncompleteAuditTest, GoesOnWithoutTheTablesThatAUserMayNotList) {
  std::vector<std::string> unshare{"unshare", "-rn"};
  if (geteuid() == 0) {
    unshare.insert(unshare.begin(),
                   {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  }
  std::vector<std::string> probe = unshare;
  probe.insert(
      probe.end(),
      {"sh", "-c",
       "test -x \"$1\" && cd /proc/self/net && test -e ip_tables_names && ! cat ip_tables_names",
       "sh", connmark_path()});
  if (run(probe).status != 0) GTEST_SKIP() << "the list of tables is not there, or not hidden";
  const CommandResult result = audit_in(unshare, "");
  EXPECT_EQ(result.status, 3) << result.err << result.out;
  const Json document = Json::parse(result.out);
  const Json tables = omission(document, "kernel: legacy ip tables");
  EXPECT_EQ(tables["reason"], "not permitted") << document.dump(2);
  EXPECT_EQ(tables["incomplete"], true);
  EXPECT_EQ(document["looked_at"][0]["name"], "kernel: nf_tables");
}

TEST(IncompleteAuditTest, FilesThatAreNotGivenAreNamed) {
  const CommandResult result = run_connmark({"audit", "--owners", owners_file(), "--iptables", "-"},
                                            saved_table("mangle", "", ""));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(
      result.out.starts_with("Looked at:\n  standard input: 0 rules\nNot looked at:\n"
                             "  rules of nft: not given, give it with --nft\n"
                             "  rules of ip rule: not given, give it with --rules\n"
                             "  the reverse-path check: not given, give it with --sysctl\n\n"))
      << result.out;
}

TEST(StandardInputTest, IsRefusedWhereItIsClosedOrAFolder) {
  for (const char *const input : {"<&-", "</"}) {
    for (const char *const subcommand : {"audit --iptables -", "audit --rules -", "translate"}) {
      const CommandResult result =
          run({"sh", "-c", "exec " + connmark_path() + " " + subcommand + " " + input});
      EXPECT_EQ(result.status, 2) << subcommand << input;
      EXPECT_EQ(result.out, "") << subcommand << input;
      const bool is_closed = std::string_view(input) == "<&-";
      EXPECT_TRUE(result.err.ends_with(is_closed ? ": standard input is closed\n"
                                                 : ": standard input cannot be read\n"))
          << result.err;
    }
  }
}

TEST(StandardOutputTest, IsRefusedWhereItIsClosed) {
  const TemporaryFile file(saved_table("mangle", "", ""));
  const CommandResult result = run({"sh", "-c", "exec \"$@\" >&-", "sh", connmark_path(), "audit",
                                    "--owners", owners_file(), "--iptables", file.path()});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("standard output"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace connmark::test
