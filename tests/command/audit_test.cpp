// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each finding of connmark audit in rules that have the fault, and none in rules
// without it.
#include <gtest/gtest.h>

#include "command/audit_inputs.h"
#include "command/connmark_command.h"
#include "command/temporary_file.h"

namespace connmark::test {
namespace {

using Ids = std::vector<std::string>;

// A rule set of iptables, that of kube-proxy next to it.
std::string with_kube_proxy(const std::string &mangle) {
  return saved_table("mangle", "", mangle) +
         saved_table("nat", "KUBE-MARK-MASQ KUBE-POSTROUTING KUBE-SERVICES",
                     "-A PREROUTING -j KUBE-SERVICES\n"
                     "-A POSTROUTING -j KUBE-POSTROUTING\n"
                     "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n"
                     "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n"
                     "-A KUBE-SERVICES -p tcp -j KUBE-MARK-MASQ\n");
}

std::string better(const AuditResult &result, const std::string &id) {
  const Json finding = result.finding(id);
  return finding.is_null() ? "no " + id : finding.at("rules").at(0).at("better").get<std::string>();
}

// -- unmasked-* ---------------------------------------------------------------

TEST(AuditTest, FindsARestoreWithoutMaskOverBitsOfAnother) {
  const AuditResult result = audit_rules(
      with_kube_proxy("-A PREROUTING -i wan2 -j CONNMARK --set-xmark 0x2/0xff\n"
                      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask "
                      "0xffffffff\n"));
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.ids(), Ids{"unmasked-restore"});
  const Json finding = result.finding("unmasked-restore");
  EXPECT_EQ(finding["mark"], "packet");
  EXPECT_EQ(finding["bits"], 0x4000);
  EXPECT_EQ(finding["owner"], "built-in chains");
  EXPECT_EQ(finding["hurt"], Json{"kube-proxy"});
  EXPECT_EQ(finding["rules"][0]["table"], "mangle");
  EXPECT_EQ(finding["rules"][0]["chain"], "PREROUTING");
  EXPECT_EQ(finding["rules"][0]["number"], 2);
  EXPECT_EQ(finding["rules"][0]["line"], 8);
  EXPECT_EQ(better(result, "unmasked-restore"),
            "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff");
}

TEST(AuditTest, TakesARestoreOfBitsOfItsOwn) {
  const AuditResult result = audit_rules(
      with_kube_proxy("-A PREROUTING -i wan2 -j CONNMARK --set-xmark 0x2/0xff\n"
                      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff\n"));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.ids(), Ids{});
}

TEST(AuditTest, TakesARestoreWithoutMaskWhereNobodyElseIs) {
  const AuditResult result = audit_rules(saved_table(
      "mangle", "",
      "-A PREROUTING -i wan2 -j CONNMARK --set-xmark 0x2/0x2\n"
      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"));
  EXPECT_EQ(result.ids(true), Ids{});
}

TEST(AuditTest, TakesARestoreOverPacketsWithoutMark) {
  const AuditResult result = audit_rules(
      with_kube_proxy("-A PREROUTING -m mark --mark 0x0 -j CONNMARK --restore-mark --nfmask "
                      "0xffffffff --ctmask 0xffffffff\n"));
  EXPECT_EQ(result.ids(), Ids{});
}

TEST(AuditTest, TakesTheMarkThatIsKnownBehindARuleThatEndsTheChain) {
  const std::string rules =
      "-A PREROUTING -m mark ! --mark 0x0 -j ACCEPT\n"
      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n";
  EXPECT_EQ(audit_rules(with_kube_proxy(rules)).ids(), Ids{});
  // Not where only some packets have left.
  std::string some = rules;
  some.replace(some.find("-m mark"), 0, "-p tcp ");
  EXPECT_EQ(audit_rules(with_kube_proxy(some)).ids(), Ids{"unmasked-restore"});
}

TEST(AuditTest, FindsABroaderMaskThanTheWriterHasBitsFor) {
  const AuditResult result = audit_rules(with_kube_proxy(
      "-A PREROUTING -i wan2 -j CONNMARK --set-xmark 0x2/0xff\n"
      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffff --ctmask 0xffff\n"));
  EXPECT_EQ(result.ids(), Ids{"unmasked-restore"});
  EXPECT_EQ(better(result, "unmasked-restore"),
            "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff");
}

TEST(AuditTest, FindsASaveWithoutMaskOverBitsOfAnother) {
  const std::string aws =
      "-A PREROUTING -m comment --comment \"AWS, CONNMARK\" -j CONNMARK --set-xmark 0x80/0x80\n"
      "-A PREROUTING -m comment --comment \"AWS, CONNMARK\" -j CONNMARK --restore-mark --nfmask "
      "0x80 --ctmask 0x80\n";
  const std::string mark = "-A PREROUTING -p udp -j MARK --set-xmark 0x1/0x3\n";
  const AuditResult result = audit_rules(saved_table(
      "mangle", "",
      aws + mark +
          "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"));
  EXPECT_EQ(result.ids(), Ids{"unmasked-save"});
  EXPECT_EQ(result.finding("unmasked-save")["mark"], "connection");
  EXPECT_EQ(result.finding("unmasked-save")["hurt"], Json{"AWS VPC CNI"});
  EXPECT_EQ(better(result, "unmasked-save"),
            "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0x3 --ctmask 0x3");
  EXPECT_EQ(audit_rules(saved_table("mangle", "",
                                    aws + mark +
                                        "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0x3 "
                                        "--ctmask 0x3\n"))
                .ids(),
            Ids{});
}

TEST(AuditTest, FindsASaveThatTakesAlongBitsWhichAreRestored) {
  const AuditResult result = audit_rules(with_kube_proxy(
      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"
      "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"));
  EXPECT_EQ(result.ids(), (Ids{"unmasked-save", "unmasked-restore"}));
  // Nothing says which bits these rules are for.
  EXPECT_EQ(better(result, "unmasked-save"),
            "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0xffffbfff --ctmask 0xffffbfff");
}

TEST(AuditTest, FindsASetWithoutMaskOverBitsOfAnother) {
  const std::string prefix = "-A FORWARD -p udp -j MARK --set-xmark ";
  const AuditResult result = audit_rules(with_kube_proxy(prefix + "0x2/0xffffffff\n"));
  EXPECT_EQ(result.ids(), Ids{"unmasked-set"});
  EXPECT_EQ(better(result, "unmasked-set"), prefix + "0x2/0x2");
  EXPECT_EQ(audit_rules(with_kube_proxy(prefix + "0x2/0xff\n")).ids(), Ids{});
  EXPECT_EQ(audit_rules(with_kube_proxy(prefix + "0x2/0x0\n")).ids(), Ids{});
}

TEST(AuditTest, TakesASetWithoutMaskBeforeTheOtherHasWritten) {
  // mangle comes before nat, where kube-proxy writes.
  EXPECT_EQ(
      audit_rules(with_kube_proxy("-A PREROUTING -j MARK --set-xmark 0x2/0xffffffff\n")).ids(),
      Ids{});
}

TEST(AuditTest, KeepsTheFamiliesApart) {
  const std::string ipv6 =
      "# Generated by ip6tables-save v1.8.9\n" +
      saved_table("mangle", "", "-A FORWARD -p udp -j MARK --set-xmark 0x2/0xffffffff\n");
  const TemporaryFile kube(with_kube_proxy(""));
  EXPECT_EQ(audit_rules(ipv6, {"--iptables", kube.path()}).ids(), Ids{});
}

// -- shared-bits --------------------------------------------------------------

TEST(AuditTest, FindsTwoOwnersThatWriteTheSameBit) {
  const std::string tailscale =
      "-A PREROUTING -j ts-mark\n-A ts-mark -j MARK --set-xmark 0x40000/0xff0000\n";
  const AuditResult result = audit_rules(
      saved_table("mangle", "ts-mark cali-mark",
                  tailscale + "-A PREROUTING -j cali-mark\n-A cali-mark -j MARK --set-xmark "
                              "0x10000/0x10000\n"));
  EXPECT_EQ(result.ids(), Ids{"shared-bits"});
  const Json finding = result.finding("shared-bits");
  EXPECT_EQ(finding["bits"], 0x10000);
  EXPECT_EQ(finding["hurt"], (Json{"Tailscale", "Calico"}));
  EXPECT_EQ(finding["rules"].size(), 2U);
  ASSERT_EQ(finding["cures"].size(), 2U);
  EXPECT_NE(finding["cures"][1].get<std::string>().find("iptablesMarkMask"), std::string::npos);
  EXPECT_EQ(audit_rules(saved_table("mangle", "ts-mark cali-mark",
                                    tailscale + "-A PREROUTING -j cali-mark\n-A cali-mark -j MARK "
                                                "--set-xmark 0x1000000/0x1000000\n"))
                .ids(),
            Ids{});
}

TEST(AuditTest, FindsChainsOfTwoUnknownOwnersThatSetOneBitDifferently) {
  const auto rules = [](const std::string &left, const std::string &right) {
    return saved_table("mangle", "red_a red_b blue_a blue_b",
                       "-A PREROUTING -j red_a\n-A PREROUTING -j blue_a\n-A red_a -j MARK "
                       "--set-xmark " +
                           left + "\n-A blue_a -j MARK --set-xmark " + right + "\n");
  };
  const AuditResult result = audit_rules(rules("0x3/0xff", "0x1/0xff"));
  EXPECT_EQ(result.ids(), Ids{"shared-bits"});
  EXPECT_EQ(result.finding("shared-bits")["hurt"], (Json{"red_*", "blue_*"}));
  EXPECT_EQ(audit_rules(rules("0x1/0xff", "0x1/0xff")).ids(), Ids{});
  EXPECT_EQ(audit_rules(rules("0x1/0xff", "0x100/0xff00")).ids(), Ids{});
}

TEST(AuditTest, LeavesTheAdministratorsRulesToThemselves) {
  EXPECT_EQ(audit_rules(saved_table("mangle", "red_a red_b",
                                    "-A PREROUTING -j red_a\n-A PREROUTING -j MARK --set-xmark "
                                    "0x3/0xff\n-A red_a -j MARK --set-xmark 0x1/0xff\n"))
                .ids(),
            Ids{});
}

TEST(AuditTest, TakesOwnersFromTheUser) {
  const std::string rules = saved_table(
      "mangle", "red_a",
      "-A PREROUTING -j red_a\n-A red_a -j MARK --set-xmark 0x1/0xff\n-A PREROUTING -m comment "
      "--comment \"office line\" -j MARK --set-xmark 0x3/0xff\n");
  EXPECT_EQ(audit_rules(rules).ids(), Ids{});
  const AuditResult named =
      audit_rules(rules, {"--owner", "lab=red_*", "--owner", "office=office *"});
  EXPECT_EQ(named.ids(), Ids{"shared-bits"});
  EXPECT_EQ(named.finding("shared-bits")["hurt"], (Json{"lab", "office"}));
  const AuditResult masked = audit_rules(rules, {"--owner", "office=0xf00"});
  EXPECT_EQ(masked.ids(), Ids{});
  EXPECT_EQ(
      audit_rules(saved_table("mangle", "", "-A FORWARD -j MARK --set-xmark 0x1/0xffffffff\n"),
                  {"--owner", "office=0xf00"})
          .ids(),
      Ids{"unmasked-set"});
}

// -- impossible-match, never-written, never-read --------------------------------

TEST(AuditTest, FindsAMatchThatCanNeverHold) {
  const std::string set = "-A PREROUTING -j MARK --set-xmark 0x300/0xffff\n";
  const AuditResult result = audit_rules(
      saved_table("mangle", "", set + "-A FORWARD -p tcp -m mark --mark 0x300/0x1ff -j ACCEPT\n"));
  EXPECT_EQ(result.ids(), Ids{"impossible-match"});
  EXPECT_EQ(result.finding("impossible-match")["bits"], 0x200);
  EXPECT_EQ(better(result, "impossible-match"),
            "-A FORWARD -p tcp -m mark --mark 0x300/0x3ff -j ACCEPT");
  const AuditResult inverted = audit_rules(
      saved_table("mangle", "", set + "-A FORWARD -m mark ! --mark 0x300/0x1ff -j ACCEPT\n"));
  EXPECT_EQ(inverted.finding("impossible-match")["text"].get<std::string>().find("always"), 0U);
  EXPECT_EQ(audit_rules(saved_table("mangle", "",
                                    set + "-A FORWARD -m mark --mark 0x300/0x3ff -j ACCEPT\n"))
                .ids(true),
            Ids{});
}

TEST(AuditTest, HintsAtBitsThatNobodyWrites) {
  const std::string test = "-A FORWARD -m connmark --mark 0x10/0x30 -j ACCEPT\n";
  const AuditResult result = audit_rules(saved_table("mangle", "", test));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.ids(true), Ids{"never-written"});
  EXPECT_EQ(result.finding("never-written")["bits"], 0x30);
  EXPECT_EQ(audit_rules(saved_table("mangle", "", test), {"--strict"}).status, 1);
  for (const char *writer : {
           "-A PREROUTING -j CONNMARK --set-xmark 0x10/0x10\n",
           "-A PREROUTING -j CONNMARK --set-xmark 0x10/0x0\n",
           "-A PREROUTING -j MARK --set-xmark 0x1/0x1\n"
           "-A PREROUTING -j CONNMARK --save-mark --nfmask 0x1 --ctmask 0x10 "
           "--left-shift-mark 4\n",
       }) {
    EXPECT_EQ(audit_rules(saved_table("mangle", "", writer + test)).ids(true), Ids{}) << writer;
  }
  // Copied to and fro, it comes from nowhere.
  EXPECT_EQ(audit_rules(saved_table("mangle", "",
                                    "-A OUTPUT -j CONNMARK --restore-mark\n"
                                    "-A POSTROUTING -j CONNMARK --save-mark\n" +
                                        test))
                .ids(true),
            Ids{"never-written"});
}

TEST(AuditTest, KnowsWhoElseWritesBits) {
  // A proxy's sockets have this mark.
  const std::string rules = saved_table(
      "mangle", "ISTIO_PRERT",
      "-A PREROUTING -j ISTIO_PRERT\n-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j ACCEPT\n");
  EXPECT_EQ(audit_rules(rules).ids(true), Ids{});
}

TEST(AuditTest, HintsAtBitsThatNobodyReads) {
  const std::string set = "-A PREROUTING -j MARK --set-xmark 0x10/0xff\n";
  const std::string rules = saved_table("mangle", "", set);
  // Routing may read them, and nothing is known of it.
  EXPECT_EQ(audit_rules(rules).ids(true), Ids{});
  const TemporaryFile none("[{\"priority\":0,\"src\":\"all\",\"table\":\"local\"}]\n");
  EXPECT_EQ(audit_rules(rules, {"--rules", none.path()}).ids(true), Ids{"never-read"});
  // A copy that nothing looks at reads nothing.
  const std::string saved =
      set + "-A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff\n";
  EXPECT_EQ(audit_rules(saved_table("mangle", "", saved), {"--rules", none.path()}).ids(true),
            Ids{"never-read"});
  EXPECT_EQ(audit_rules(saved_table("mangle", "",
                                    saved + "-A FORWARD -m connmark --mark 0x10/0xff -j DROP\n"),
                        {"--rules", none.path()})
                .ids(true),
            Ids{});
  const TemporaryFile reads(
      "[{\"priority\":9,\"src\":\"all\",\"fwmark\":\"0x10\",\"fwmask\":\"0xff\",\"table\":\"7\"}]"
      "\n");
  EXPECT_EQ(audit_rules(rules, {"--rules", reads.path()}).ids(true), Ids{});
  EXPECT_EQ(
      audit_rules(saved_table("mangle", "", set + "-A INPUT -m mark --mark 0x10/0x10 -j ACCEPT\n"),
                  {"--rules", none.path()})
          .ids(true),
      Ids{});
}

// -- connmark-in-raw, restore-wipes ---------------------------------------------

TEST(AuditTest, FindsConnectionMarksBeforeConnectionsAreKnown) {
  const std::string save = " -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n";
  for (const char *chains : {"", "early"}) {
    const std::string chain = *chains == 0 ? "PREROUTING" : "early";
    const std::string call = *chains == 0 ? "" : "-A PREROUTING -j early\n";
    const AuditResult raw = audit_rules(saved_table("raw", chains, call + "-A " + chain + save));
    EXPECT_EQ(raw.ids(), Ids{"connmark-in-raw"});
    EXPECT_EQ(audit_rules(saved_table("mangle", chains, call + "-A " + chain + save)).ids(), Ids{});
  }
  EXPECT_EQ(audit_rules(saved_table("raw", "", "-A OUTPUT -j MARK --set-xmark 0x1/0x1\n")).ids(),
            Ids{});
}

constexpr const char *kRestoreByte =
    "-A FORWARD -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff\n";

TEST(AuditTest, FindsARestoreThatWipesWhatWasSetBefore) {
  const std::string set = "-A PREROUTING -i wan2 -j MARK --set-xmark 0x2/0xff\n";
  const AuditResult result = audit_rules(saved_table("mangle", "", set + kRestoreByte));
  EXPECT_EQ(result.ids(), Ids{"restore-wipes"});
  EXPECT_EQ(result.finding("restore-wipes")["bits"], 0x2);
  EXPECT_EQ(better(result, "restore-wipes"),
            "-A FORWARD -m connmark ! --mark 0x0/0xff -j CONNMARK --restore-mark --nfmask 0xff "
            "--ctmask 0xff");
}

TEST(AuditTest, TakesARestoreThatWipesNothing) {
  const std::string set = "-A PREROUTING -i wan2 -j MARK --set-xmark 0x2/0xff\n";
  const std::string restore = kRestoreByte;
  for (const std::string &rules : {
           // Already saved.
           set + "-A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff\n" + restore,
           // Only for connections with a mark, or packets without.
           set + "-A FORWARD -m connmark ! --mark 0x0/0xff -j CONNMARK --restore-mark --nfmask "
                 "0xff --ctmask 0xff\n",
           set + "-A FORWARD -m mark --mark 0x0/0xff -j CONNMARK --restore-mark --nfmask 0xff "
                 "--ctmask 0xff\n",
           set + "-A FORWARD -m connmark --mark 0x0/0xff -j ACCEPT\n" + restore,
           // Other packets, other bits, another way.
           set + "-A FORWARD -i wan1 -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff\n",
           set + "-A FORWARD -j CONNMARK --restore-mark --nfmask 0xff00 --ctmask 0xff00\n",
           "-A OUTPUT -j MARK --set-xmark 0x2/0xff\n" + restore,
           "-A POSTROUTING -j MARK --set-xmark 0x2/0xff\n" + restore,
       }) {
    EXPECT_EQ(audit_rules(saved_table("mangle", "", rules)).ids(), Ids{}) << rules;
  }
}

TEST(AuditTest, FollowsChainsInTheOrderOfTheirCalls) {
  const auto rules = [](const std::string &first, const std::string &second) {
    return saved_table("mangle", "my_set my_restore",
                       "-A my_restore -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff\n"
                       "-A my_set -p udp -j MARK --set-xmark 0x2/0xff\n-A FORWARD -j " +
                           first + "\n-A FORWARD -j " + second + "\n");
  };
  EXPECT_EQ(audit_rules(rules("my_set", "my_restore")).ids(), Ids{"restore-wipes"});
  EXPECT_EQ(audit_rules(rules("my_restore", "my_set")).ids(), Ids{});
}

TEST(AuditTest, FindsARestoreThatWipesWhatSocketsHaveSet) {
  const std::string mark =
      "-A FORWARD -j ts-forward\n-A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT\n"
      "-A ts-forward -j MARK --set-xmark 0x40000/0xff0000\n";
  const std::string restore = "CONNMARK --restore-mark --nfmask 0xff0000 --ctmask 0xff0000\n";
  EXPECT_EQ(
      audit_rules(saved_table("mangle", "ts-forward", mark + "-A OUTPUT -j " + restore)).ids(),
      Ids{"restore-wipes"});
  EXPECT_EQ(
      audit_rules(saved_table("mangle", "ts-forward", mark + "-A PREROUTING -j " + restore)).ids(),
      Ids{});
}

// -- too-late-for-routing, strict-rp-filter --------------------------------------

// Only a list of IPv4 has the table default.
constexpr const char *kPolicy =
    "[{\"priority\":99,\"src\":\"all\",\"fwmark\":\"0x2\",\"fwmask\":\"0xff\",\"table\":\"102\"},"
    "{\"priority\":32767,\"src\":\"all\",\"table\":\"default\"}]\n";

TEST(AuditTest, FindsAMarkThatComesTooLateForRouting) {
  const TemporaryFile policy(kPolicy);
  const auto ids = [&](const std::string &table, const std::string &rules) {
    return audit_rules(saved_table(table, "", rules), {"--rules", policy.path()}).ids();
  };
  const std::string mark = " -j MARK --set-xmark 0x2/0xff\n";
  EXPECT_EQ(ids("mangle", "-A FORWARD" + mark), Ids{"too-late-for-routing"});
  EXPECT_EQ(ids("mangle", "-A POSTROUTING -o wan2" + mark), Ids{"too-late-for-routing"});
  EXPECT_EQ(ids("filter", "-A OUTPUT" + mark), Ids{"too-late-for-routing"});
  EXPECT_EQ(ids("mangle", "-A OUTPUT" + mark), Ids{});
  EXPECT_EQ(ids("mangle", "-A PREROUTING" + mark), Ids{});
  EXPECT_EQ(ids("mangle", "-A FORWARD -j MARK --set-xmark 0x3/0xff\n"), Ids{});
  const std::string saved =
      "-A FORWARD" + mark + "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff\n";
  const std::string restored =
      "-A PREROUTING -m connmark ! --mark 0x0/0xff -j CONNMARK --restore-mark --nfmask 0xff "
      "--ctmask 0xff\n";
  EXPECT_EQ(ids("mangle", restored + saved), Ids{});
  // It never comes back.
  EXPECT_EQ(ids("mangle", saved), Ids{"too-late-for-routing"});
  // Packets of this machine, beside others that are marked in time.
  EXPECT_EQ(audit_rules(saved_table("mangle", "", "-A PREROUTING -i wan2" + mark) +
                            saved_table("filter", "", "-A OUTPUT" + mark),
                        {"--rules", policy.path()})
                .ids(),
            Ids{"too-late-for-routing"});
  // What keeps away from a rule.
  const TemporaryFile inverted(
      "[{\"priority\":99,\"not\":null,\"src\":\"all\",\"fwmark\":\"0x2\",\"fwmask\":\"0xff\","
      "\"table\":\"102\"},{\"priority\":32767,\"src\":\"all\",\"table\":\"default\"}]\n");
  EXPECT_EQ(audit_rules(saved_table("mangle", "", "-A POSTROUTING -p tcp" + mark),
                        {"--rules", inverted.path()})
                .ids(),
            Ids{"too-late-for-routing"});
  EXPECT_EQ(audit_rules(saved_table("mangle", "", "-A OUTPUT -p tcp" + mark),
                        {"--rules", inverted.path()})
                .ids(),
            Ids{});
}

TEST(AuditTest, FindsStrictReversePathChecksWithoutTheMark) {
  const TemporaryFile policy(kPolicy);
  const std::string rules = saved_table(
      "mangle", "",
      "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff\n"
      "-A PREROUTING -i wan2 -m connmark --mark 0x0/0xff -j CONNMARK --set-xmark 0x2/0xff\n");
  const auto result = [&](const std::string &all, const std::string &valid,
                          const std::string &interface) {
    const TemporaryFile sysctl(
        "kernel.hostname = a\nnet.ipv4.conf.all.rp_filter = " + all +
        "\nnet.ipv4.conf.all.src_valid_mark = " + valid + "\nnet.ipv4.conf.wan2.rp_filter = " +
        interface + "\nnet.ipv4.conf.wan2.src_valid_mark = 0\nnet.ipv4.conf.lo.rp_filter = 1\n");
    return audit_rules(rules, {"--rules", policy.path(), "--sysctl", sysctl.path()});
  };
  const AuditResult strict = result("1", "0", "0");
  EXPECT_EQ(strict.ids(), Ids{"strict-rp-filter"});
  EXPECT_EQ(strict.finding("strict-rp-filter")["cures"],
            Json{"sysctl net.ipv4.conf.all.src_valid_mark=1"});
  EXPECT_EQ(result("0", "0", "1").ids(), Ids{"strict-rp-filter"});
  EXPECT_EQ(result("1", "1", "0").ids(), Ids{});
  EXPECT_EQ(result("1", "0", "2").ids(), Ids{});
  EXPECT_EQ(result("0", "0", "0").ids(), Ids{});
}

// -- shift-loses-bits, stock-translation, unknown-rule ----------------------------

TEST(AuditTest, FindsShiftsThatLoseBits) {
  const auto result = [](const std::string &options) {
    return audit_rules(saved_table("mangle", "", "-A FORWARD -j CONNMARK " + options + "\n"));
  };
  const AuditResult lost =
      result("--save-mark --nfmask 0xff000000 --ctmask 0xff000000 --left-shift-mark 4");
  EXPECT_EQ(lost.ids(), Ids{"shift-loses-bits"});
  EXPECT_EQ(lost.finding("shift-loses-bits")["bits"], 0xf0000000);
  EXPECT_EQ(better(lost, "shift-loses-bits"),
            "-A FORWARD -j CONNMARK --save-mark --nfmask 0xf000000 --ctmask 0xff000000 "
            "--left-shift-mark 4");
  EXPECT_EQ(result("--save-mark --nfmask 0xff --ctmask 0xff --left-shift-mark 4").ids(),
            Ids{"shift-loses-bits"});
  EXPECT_EQ(result("--set-xmark 0x81/0xffffffff --left-shift-mark 31").ids(),
            Ids{"shift-loses-bits"});
  EXPECT_EQ(result("--save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8").ids(), Ids{});
  // Whoever gives no mask may not want the upper bits.
  const AuditResult hint = result("--save-mark --left-shift-mark 4");
  EXPECT_EQ(hint.ids(), Ids{});
  EXPECT_EQ(hint.finding("shift-loses-bits")["severity"], "hint");
}

TEST(AuditTest, HintsAtRulesThatStockTranslatesInexactly) {
  const std::string masked = "-A FORWARD -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff\n";
  EXPECT_EQ(audit_rules(saved_table("mangle", "", masked)).ids(true), Ids{});
  const std::vector<std::string> asked{"--translations"};
  const AuditResult result = audit_rules(saved_table("mangle", "", masked), asked);
  EXPECT_EQ(result.ids(true), Ids{"stock-translation"});
  EXPECT_EQ(result.finding("stock-translation")["rules"][0]["better"],
            if_nft_takes_two_marks("ct mark set ct mark and 0xffffff00 or meta mark and 0xff"));
  EXPECT_EQ(audit_rules(saved_table("mangle", "", "-A FORWARD -j CONNMARK --save-mark\n"), asked)
                .ids(true),
            Ids{});
  std::string many;
  for (int i = 0; i < 20; ++i) many += masked;
  const Json grouped =
      audit_rules(saved_table("mangle", "", many), asked).finding("stock-translation");
  EXPECT_EQ(grouped["rules"].size() + grouped["more_rules"].get<std::size_t>(), 20U);
  EXPECT_LT(grouped["rules"].size(), 10U);
}

TEST(AuditTest, HintsAtWhatItCannotRead) {
  const AuditResult result = audit_rules(
      saved_table("mangle", "", "-A PREROUTING -j SET --map-set marks src --map-mark\n"));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.ids(true), Ids{"unknown-rule"});
}

// -- nft ------------------------------------------------------------------------

std::string nft_rules(const std::string &expressions) {
  return R"({"nftables": [
    {"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "fw", "handle": 1}},
    {"chain": {"family": "inet", "table": "fw", "name": "pre", "handle": 1, "type": "filter",
               "hook": "prerouting", "prio": -150, "policy": "accept"}},
    {"rule": {"family": "inet", "table": "fw", "chain": "pre", "handle": 7, "expr": [)" +
         expressions + "]}}]}\n";
}

TEST(AuditTest, ReadsNftAndWritesNft) {
  const TemporaryFile kube(with_kube_proxy(""));
  const std::string assigned =
      R"({"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"&": [{"ct": {"key": "mark"}}, 128]}}})";
  const AuditResult result = audit(
      {"--nft", "-", "--iptables", kube.path(), "--owner", "office=pre"}, nft_rules(assigned));
  EXPECT_EQ(result.ids(), Ids{"unmasked-restore"});
  const Json rule = result.finding("unmasked-restore")["rules"][0];
  EXPECT_EQ(rule["number"], 7);
  EXPECT_EQ(rule["family"], "inet");
  EXPECT_EQ(rule["line"], nullptr);
  EXPECT_EQ(rule["better"],
            if_nft_takes_two_marks("meta mark set meta mark and 0xffffff7f or ct mark and 0x80"));
}

// -- the command ------------------------------------------------------------------

// What an audit of iptables' rules on standard input begins with.
std::string looked_at(const std::string &rules) {
  return "Looked at:\n  standard input: " + rules +
         "\nNot looked at:\n  rules of nft: not given, give it with --nft\n"
         "  rules of ip rule: not given, give it with --rules\n"
         "  the reverse-path check: not given, give it with --sysctl\n\n";
}

TEST(AuditTest, PrintsMapFindingsAndASummary) {
  const CommandResult result = run_connmark(
      {"audit", "--owners", owners_file(), "--iptables", "-"},
      with_kube_proxy("-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask "
                      "0xffffffff\n"));
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(
      result.out,
      looked_at("6 rules") +
          "                  packet                            connection\n"
          "                  31      23      15      7      0  31      23      15      7      0\n"
          "                  |       |       |       |      |  |       |       |       |      |\n"
          "kube-proxy        .................b..............  ................................\n"
          "  packet: writes 0x4000, reads 0x4000\n"
          "built-in chains   ssssssssssssssssssssssssssssssss  ssssssssssssssssssssssssssssssss\n"
          "  packet: restores 0xffffffff\n"
          "  connection: restores 0xffffffff\n"
          "\n"
          "  .  not used\n"
          "  b  both read and written\n"
          "  s  copied to or from the other mark, and nothing else\n"
          "\n"
          "problem unmasked-restore: built-in chains restores over bit 14 (0x4000) of the packet's "
          "mark, which kube-proxy uses\n"
          "  standard input:7: ip mangle PREROUTING, rule 1\n"
          "    -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"
          "  better:\n"
          "    -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffbfff --ctmask 0xffffbfff\n"
          "  built-in chains -> kube-proxy: no difference in what was read\n"
          "\n"
          "1 pair apart, 0 pairs with no bit in common\n"
          "It is taken for granted that\n"
          "  - a received packet has no mark before the first chain\n"
          "  - programs may give sent packets any mark\n"
          "  - connections began under these rules\n"
          "  - packets are neither bridged nor offloaded, and stay in one zone of connection "
          "tracking\n"
          "  - nothing outside of what was read writes marks\n"
          "  - nothing outside of what was read looks at marks, and no rules of ip rule were read\n"
          "\n"
          "1 problem and 0 hints in 3 rules and 0 routing rules that have to do with marks\n");
}

TEST(AuditTest, SaysThatThereIsNothing) {
  const CommandResult result = run_connmark({"audit", "--owners", owners_file(), "--iptables", "-"},
                                            saved_table("filter", "", ""));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(
      result.out,
      looked_at("0 rules") +
          "No rule looks at marks or writes them.\n\n"
          "0 problems and 0 hints in 0 rules and 0 routing rules that have to do with marks\n");
}

TEST(AuditTest, RefusesWhatItCannotRead) {
  const TemporaryFile nft("table inet fw {\n}\n");
  const TemporaryFile rubbish(
      std::string("\x7f"
                  "ELF\0\1\n",
                  7));
  struct Case {
    std::vector<std::string> words;
    std::string said;
  };
  for (const Case &each : std::vector<Case>{
           {{"--iptables", "/nonexistent"}, "--iptables: \"/nonexistent\" cannot be read"},
           {{"--nft", "/"}, "--nft: \"/\" cannot be read"},
           {{"--iptables", nft.path()}, nft.path() + ": line 1"},
           {{"--nft", nft.path()}, nft.path() + ": line 1"},
           {{"--rules", nft.path()}, nft.path() + ": line 1"},
           {{"--sysctl", nft.path()}, nft.path() + ": line 1"},
           {{"--sysctl", rubbish.path()}, rubbish.path() + ": line 1"},
           {{"--iptables", "-", "--nft", "-"}, "--nft: \"-\" is given twice, give it once"},
           {{"--owner", "office"}, "--owner: \"office\" is not an owner"},
           {{"--owners", "/nonexistent"}, "--owners: \"/nonexistent\" cannot be read"},
           {{"--nosuch"}, "audit: \"--nosuch\" is not an option"},
       }) {
    std::vector<std::string> words{"audit"};
    words.insert(words.end(), each.words.begin(), each.words.end());
    const CommandResult result = run_connmark(words, saved_table("mangle", "", ""));
    EXPECT_EQ(result.status, 2) << each.said;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(each.said), std::string::npos) << each.said << "\n" << result.err;
  }
}

TEST(AuditTest, RefusesSysctlsOfAnotherKind) {
  for (const char *text :
       {"", "kernel.hostname = a\n", "net.ipv4.conf.all.rp_filter = 3\n",
        "net.ipv4.conf.all.rp_filter = \n", "net.ipv4.conf.all.src_valid_mark = 2\n", "= 1\n",
        "net.ipv4.conf.all.rp_filter = 1\n<html>\n"}) {
    const TemporaryFile file(text);
    const CommandResult result = run_connmark(
        {"audit", "--owners", owners_file(), "--sysctl", file.path(), "--iptables", "-"},
        saved_table("mangle", "", ""));
    EXPECT_EQ(result.status, 2) << text;
    EXPECT_EQ(result.out, "") << text;
    EXPECT_NE(result.err.find(file.path()), std::string::npos) << result.err;
  }
}

}  // namespace
}  // namespace connmark::test
