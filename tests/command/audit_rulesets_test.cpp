// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of software that people use: each is clean, the collisions that
// people have reported are found, and the kernel takes them.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "command/audit_inputs.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

std::string text_of(const std::string &file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class RulesetTest : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Audit, RulesetTest, testing::ValuesIn(ruleset_names()),
                         [](const auto &each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(RulesetTest, HasNoProblemAlone) {
  const AuditResult result = audit({"--iptables", ruleset_file(GetParam())});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.json["findings"], Json::array()) << result.json["findings"].dump(2);
}

TEST_P(RulesetTest, IsOfOneOwner) {
  const AuditResult result = audit({"--iptables", ruleset_file(GetParam())});
  ASSERT_FALSE(result.json["owners"].empty());
  EXPECT_EQ(result.json["owners"][0]["kind"], "known") << result.json["owners"].dump(2);
}

TEST_P(RulesetTest, IsTakenByTheKernel) {
  for (const char *restore : {"iptables-legacy-restore", "iptables-nft-restore"}) {
    if (!is_installed(restore)) GTEST_SKIP() << restore << " is not installed";
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const CommandResult result = run({restore}, text_of(ruleset_file(GetParam())));
    EXPECT_EQ(result.status, 0) << restore << "\n" << result.err;
  }
}

struct Collision {
  const char *one;
  const char *other;
  const char *id;
  std::vector<std::string> hurt;
};

class CollisionTest : public testing::TestWithParam<Collision> {};

// By the issues where people report them.
INSTANTIATE_TEST_SUITE_P(
    Audit, CollisionTest,
    testing::Values(
        // tailscale 591
        Collision{"tailscale", "calico", "shared-bits", {"Tailscale", "Calico"}},
        // cilium 35338, 36104
        Collision{"tailscale", "cilium", "shared-bits", {"Tailscale", "Cilium"}},
        // netd 105
        Collision{"gke-netd", "calico", "unmasked-restore", {"Calico"}},
        // kubernetes 19983
        Collision{"kube-proxy-whole-mark", "calico", "unmasked-set", {"Calico"}},
        // amazon-vpc-cni-k8s 3872
        Collision{"aws-vpc-cni-inexact", "calico", "unmasked-restore", {"Calico"}},
        // tailscale 19725, with routers' firmware
        Collision{"tailscale-inexact", "mwan3", "unmasked-restore", {"mwan3"}},
        // kube-router 992
        Collision{"kube-router-reset", "cni-portmap", "unmasked-set", {"CNI portmap"}},
        // netbird 6022
        Collision{"netbird", "kube-router", "shared-bits", {"NetBird", "kube-router"}}),
    [](const auto &each) {
      std::string name = std::string(each.param.one) + "_" + each.param.other;
      std::erase(name, '-');
      return name;
    });

TEST_P(CollisionTest, IsFoundInEitherOrder) {
  const Collision &each = GetParam();
  for (const bool turned : {false, true}) {
    const AuditResult result = audit({"--iptables", ruleset_file(turned ? each.other : each.one),
                                      ruleset_file(turned ? each.one : each.other)});
    EXPECT_EQ(result.status, 1);
    const Json finding = result.finding(each.id);
    ASSERT_FALSE(finding.is_null()) << result.json["findings"].dump(2);
    for (const std::string &hurt : each.hurt) {
      EXPECT_NE(std::ranges::find(finding["hurt"], Json(hurt)), finding["hurt"].end())
          << finding.dump(2);
    }
  }
}

TEST(NeighboursTest, ThatGetAlongAreClean) {
  for (const auto &[one, other] : std::vector<std::pair<const char *, const char *>>{
           {"kube-proxy", "calico"},
           {"kube-proxy", "tailscale"},
           {"kube-proxy", "aws-vpc-cni"},
           {"kube-proxy", "cni-portmap"},
           {"kube-proxy", "cilium"},
           {"kube-proxy", "gke-netd"},
           {"kube-router", "cni-portmap"},
           {"aws-vpc-cni", "calico"},
           {"tailscale", "mwan3"},
       }) {
    const AuditResult result = audit({"--iptables", ruleset_file(one), ruleset_file(other)});
    EXPECT_EQ(result.ids(), std::vector<std::string>{}) << one << " and " << other;
  }
}

// The cure that the findings name.
TEST(NeighboursTest, ThatWereToldToUseOtherBitsAreClean) {
  std::string calico = text_of(ruleset_file("calico"));
  // iptablesMarkMask: 0xff000000
  for (const char digit : {'1', '2', '3', '4', 'e', 'f'}) {
    const std::string from = std::string("0x") + digit + "0000";
    for (const char end : {' ', '/', '\n'}) {
      for (std::size_t at; (at = calico.find(from + end)) != calico.npos;) {
        calico.insert(at + from.size(), "00");
      }
    }
  }
  const AuditResult result = audit_rules(calico, {"--iptables", ruleset_file("tailscale")});
  EXPECT_EQ(result.ids(), std::vector<std::string>{}) << result.json["findings"].dump(2);
}

TEST(NeighboursTest, MullvadAndTailscaleCollide) {
  const char *mullvad = R"({"nftables": [
    {"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "mullvad", "handle": 1}},
    {"chain": {"family": "inet", "table": "mullvad", "name": "mangle", "handle": 1,
               "type": "route", "hook": "output", "prio": -150, "policy": "accept"}},
    {"rule": {"family": "inet", "table": "mullvad", "chain": "mangle", "handle": 2, "expr": [
      {"match": {"op": "==", "left": {"meta": {"key": "cgroup"}}, "right": 5087041}},
      {"mangle": {"key": {"ct": {"key": "mark"}}, "value": 3905}},
      {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1836018789}}]}}]})";
  const AuditResult alone = audit({"--nft", "-"}, mullvad);
  EXPECT_EQ(alone.ids(), std::vector<std::string>{});
  const AuditResult result =
      audit({"--nft", "-", "--iptables", ruleset_file("tailscale")}, mullvad);
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.finding("shared-bits")["hurt"], (Json{"Tailscale", "Mullvad"}));
}

// The rules of the fenced examples of a text, those of each as one table.
std::vector<std::string> examples_of(const std::string &file, const std::string &begin,
                                     const std::string &end) {
  std::vector<std::string> examples;
  std::string rules;
  bool inside = false;
  std::string text = text_of(file);
  for (const std::string_view line_goes_on : {"\\e\n", "\\\n"}) {
    for (std::size_t at; (at = text.find(line_goes_on)) != text.npos;) {
      text.replace(at, line_goes_on.size(), " ");
    }
  }
  std::erase(text, '\\');
  for (const std::string &line : lines(text)) {
    const std::string kCommand = "iptables -t mangle -";
    const std::size_t command = line.find(kCommand);
    const bool adds =
        command != line.npos && (line.compare(command + kCommand.size(), 2, "A ") == 0 ||
                                 line.compare(command + kCommand.size(), 2, "I ") == 0);
    if (line.find(inside ? end : begin) != line.npos) {
      if (inside && !rules.empty()) examples.push_back(saved_table("mangle", "", rules));
      rules.clear();
      inside = !inside;
    } else if (inside && adds) {
      const std::string rule = line.substr(command + kCommand.size());
      if (rule.starts_with('I')) {
        rules = "-A" + rule.substr(1) + "\n" + rules;
      } else {
        rules += "-" + rule + "\n";
      }
    }
  }
  return examples;
}

void expect_clean(const std::vector<std::string> &examples) {
  for (const std::string &example : examples) {
    const AuditResult result = audit_rules(example);
    EXPECT_EQ(result.status, 0) << example;
    EXPECT_EQ(result.ids(), std::vector<std::string>{}) << example;
  }
}

TEST(DocumentationTest, RecipesOfTheReadmeAreClean) {
  const std::vector<std::string> examples =
      examples_of(CONNMARK_SOURCE_DIR "/README.md", "```sh", "```");
  EXPECT_EQ(examples.size(), 4U);
  expect_clean(examples);
}

TEST(DocumentationTest, ExamplesOfTheManualAreClean) {
  const std::vector<std::string> examples =
      examples_of(CONNMARK_SOURCE_DIR "/man/libxt_CONNMARK.8.in", ".EX", ".EE");
  EXPECT_GE(examples.size(), 4U);
  expect_clean(examples);
}

}  // namespace
}  // namespace connmark::test
