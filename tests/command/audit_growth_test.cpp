// SPDX-License-Identifier: GPL-2.0-or-later
//
// The audit's work and memory grow with the rules, and not faster.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <optional>

#include "command/audit_inputs.h"
#include "command/connmark_command.h"
#include "command/temporary_file.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

// Chains of 25 rules that call one another, as Kubernetes has them for services.
// With `faults`, each save and restore lacks its mask.
std::string many_rules(int count, bool faults) {
  constexpr int kRulesInChain = 25;
  RandomRules random(random_seed());
  const int chains = count / kRulesInChain;
  const auto name = [](int chain) {
    const char *prefix = chain % 3 == 0 ? "app" : chain % 3 == 1 ? "KUBE-SVC" : "cali-fw";
    const std::string group = chain % 3 == 0 ? std::to_string(chain % 700) : "";
    return prefix + group + "-" + std::to_string(chain);
  };
  std::string names;
  std::string rules;
  for (int i = 0; i < chains; ++i) {
    names += name(i) + " ";
    rules += "-A PREROUTING -d 10." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) +
             ".1/32 -j " + name(i) + "\n";
    for (int j = 1; j < kRulesInChain; ++j) {
      char hex[24];
      const auto bit = std::uint32_t{1} << random.below(32);
      std::snprintf(hex, sizeof hex, "0x%x", bit);
      const std::string mask = faults ? "0xffffffff" : hex;
      const std::string copied = "-mark --nfmask " + mask + " --ctmask " + mask + "\n";
      const std::string value = std::string(hex) + "/" + hex;
      rules += "-A " + name(i);
      switch (random.below(6)) {
        case 0:
          rules += " -m mark --mark " + value + " -j RETURN\n";
          break;
        case 1:
          rules += " -p udp -j MARK --set-xmark " + value + "\n";
          break;
        case 2:
          rules += " -j CONNMARK --save" + copied;
          break;
        case 3:
          rules += " -j CONNMARK --restore" + copied;
          break;
        case 4:
          rules += " -s 10.1.2.3/32 -j CONNMARK --set-xmark " + value + "\n";
          break;
        default:
          rules += " -m connmark --mark " + value + " -j " +
                   (i + 20 < chains ? name(i + 1 + static_cast<int>(random.below(19))) : "ACCEPT") +
                   "\n";
      }
    }
  }
  return saved_table("mangle", names, rules);
}

// Nothing where valgrind has not counted.
std::optional<double> instructions(int rules, bool faults) {
  const TemporaryFile file(many_rules(rules, faults));
  const CommandResult result =
      run({"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", connmark_path(),
           "audit", "--owners", owners_file(), "--iptables", file.path()});
  const std::string label = "Collected : ";
  const std::size_t at = result.err.find(label);
  if (at == result.err.npos) return std::nullopt;
  return std::stod(result.err.substr(at + label.size()));
}

TEST(AuditGrowthTest, TenTimesTheRulesTakeTenTimesTheWork) {
  if (!is_installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  for (const bool faults : {false, true}) {
    const auto few = instructions(1'000, faults);
    const auto many = instructions(10'000, faults);
    if (!few || !many) GTEST_SKIP() << "valgrind does not count instructions here";
    EXPECT_LT(*many / *few, 11.5) << faults;
  }
}

TEST(AuditGrowthTest, AHundredThousandRulesFitIn200Megabytes) {
  for (const bool faults : {false, true}) {
    const TemporaryFile file(many_rules(100'000, faults));
    const CommandResult result =
        run_connmark({"audit", "--owners", owners_file(), "--iptables", file.path()});
    EXPECT_EQ(result.status, 1);
  }
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 200 * 1024);
}

}  // namespace
}  // namespace connmark::test
