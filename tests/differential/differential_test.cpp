// SPDX-License-Identifier: GPL-2.0-or-later
//
// The same requests through the plugin that iptables brings and through ours.
// Whatever they answer differently must be an intended difference, in exactly
// one entry of intended_differences.cpp, and whatever that file promises must
// differ.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "differential/intended_differences.h"
#include "differential/requests.h"
#include "support/private_network.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

constexpr int kRandomLines = 100'000;
constexpr int kRandomRules = 1'000;
constexpr int kProblemsShown = 20;

void describe(const Answer &answer, std::ostream &out) {
  out << "[" << answer.outcome << "] " << answer.bytes << " |" << answer.saved << " |"
      << answer.listed << " | " << answer.translates << " " << answer.translation << " | "
      << answer.err;
}

class Judge {
 public:
  explicit Judge(Run run) : run_(run) {}

  void look_at(const Comparison &row) {
    ++rows_;
    if (row.stock.is_done()) ++accepted_;
    if (row.stock_reads_behind_its_array()) {
      look_at(row, Aspect::kWholeAnswer);
      return;
    }
    if (row.request.verb == "help") {
      look_at(row, Aspect::kHelp);
      return;
    }
    look_at(row, Aspect::kOutcome);
    if (!row.stock.is_done() || !row.ours.is_done()) return;
    for (const Aspect aspect :
         {Aspect::kBytes, Aspect::kStderr, Aspect::kSaved, Aspect::kListed, Aspect::kTranslation}) {
      look_at(row, aspect);
    }
    const KernelRule rule = row.our_rule();
    if (!is_translatable(rule)) return;
    if (!have_same_effect(row.stock_rule(), rule)) report(row, "the effect differs");
    if (!is_exact(row.ours, rule)) report(row, "our translation is inexact");
  }

  void finish() {
    for (const IntendedDifference &each : intended_differences()) {
      if ((each.seen_in & run_) != 0 && seen_[each.name] == 0) {
        ADD_FAILURE() << "no longer seen: " << each.name << " (stock: " << each.stock
                      << "; ours: " << each.ours << ")";
      }
    }
    if (problems_ > kProblemsShown) ADD_FAILURE() << problems_ << " problems, not all shown";
    std::cout << rows_ << " requests, stock accepts " << accepted_ << "\n";
    for (const auto &[name, count] : seen_) std::cout << count << " times: " << name << "\n";
  }

 private:
  void look_at(const Comparison &row, Aspect aspect) {
    const IntendedDifference *expected = nullptr;
    for (const IntendedDifference &each : intended_differences()) {
      if (each.aspect != aspect || !each.applies(row)) continue;
      if (expected != nullptr) {
        report(row, "both " + std::string(expected->name) + " and " + std::string(each.name));
      }
      expected = &each;
    }
    const bool differs = row.differs_in(aspect);
    if (expected == nullptr) {
      if (differs) report(row, "the " + std::string(name_of(aspect)) + " differs");
      return;
    }
    const std::string name(expected->name);
    if (!differs && !expected->may_agree) report(row, "no longer differs: " + name);
    if (!expected->is_as_intended(row)) report(row, "not as intended: " + name);
    if (differs) ++seen_[expected->name];
  }

  void report(const Comparison &row, const std::string &what) {
    if (++problems_ > kProblemsShown) return;
    std::ostringstream text;
    text << what << "\n  request: " << printable(row.request) << "\n  stock: ";
    describe(row.stock, text);
    text << "\n  ours:  ";
    describe(row.ours, text);
    ADD_FAILURE() << text.str();
  }

  Run run_;
  int rows_ = 0;
  int accepted_ = 0;
  int problems_ = 0;
  std::map<std::string_view, int> seen_;
};

std::string plugin_file(const std::string &folder) { return folder + "/libxt_CONNMARK.so"; }

void compare(Run run, int revision, const std::vector<Request> &requests) {
  Session stock;
  Session ours;
  run_session(stock_plugin_folder(), revision, requests, stock);
  run_session(plugin_folder(), revision, requests, ours);
  ASSERT_EQ(stock.failure, "");
  ASSERT_EQ(ours.failure, "");
  ASSERT_EQ(stock.plugin, plugin_file(stock_plugin_folder()));
  ASSERT_EQ(ours.plugin, plugin_file(plugin_folder()));

  Judge judge(run);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Answer *const next = i + 1 < requests.size() ? &stock.answers[i + 1] : nullptr;
    judge.look_at({revision, requests[i], stock.answers[i], ours.answers[i], next});
  }
  judge.finish();
}

class DifferentialTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(plugin_file(stock_plugin_folder()))) {
      GTEST_SKIP() << "iptables' own plugin is not in " << stock_plugin_folder();
    }
    std::cout << "seed " << seed() << " (set CONNMARK_SEED for another)\n";
  }

  static int revision() { return GetParam(); }
  static std::uint64_t seed() { return random_seed(); }
};

TEST_P(DifferentialTest, SystematicCommandLinesDifferAsIntended) {
  compare(revision() == 1 ? kOptionsOfRevision1 : kOptionsOfRevision2, revision(),
          systematic_command_lines());
}

TEST_P(DifferentialTest, RandomCommandLinesDifferAsIntended) {
  compare(revision() == 1 ? kOptionsOfRevision1 : kOptionsOfRevision2, revision(),
          random_command_lines(seed(), kRandomLines));
}

TEST_P(DifferentialTest, HostileRulesDifferAsIntended) {
  compare(revision() == 1 ? kBytesOfRevision1 : kBytesOfRevision2, revision(),
          hostile_rules(seed(), kRandomRules));
}

TEST_P(DifferentialTest, HelpDiffersAsIntended) {
  compare(revision() == 1 ? kHelpOfRevision1 : kHelpOfRevision2, revision(), {{"help", {}}});
}

INSTANTIATE_TEST_SUITE_P(Revision, DifferentialTest, testing::Values(1, 2));

}  // namespace
}  // namespace connmark::test
