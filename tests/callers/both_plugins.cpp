// SPDX-License-Identifier: GPL-2.0-or-later
#include "callers/both_plugins.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "differential/intended_differences.h"

namespace connmark::test {

Plugin stock_plugin() { return {"iptables' plugin", "XTABLES_LIBDIR=" + stock_plugin_folder()}; }

Plugin our_plugin() { return {"our plugin", "XTABLES_LIBDIR=" + plugin_search_path()}; }

std::string why_not_comparable() {
  if (CONNMARK_PLUGIN_HAS_SANITIZERS != 0) return "no program can load a plugin with sanitizers";
  if (!std::filesystem::exists(stock_plugin_folder() + "/libxt_CONNMARK.so")) {
    return "iptables' own plugin is not in " + stock_plugin_folder();
  }
  return "";
}

void BytesJudge::look_at(const std::string &what, int revision, std::string_view stock_bytes,
                         std::string_view our_bytes) {
  const Request request{"options", {}};
  Answer stock{};
  Answer ours{};
  stock.bytes = stock_bytes;
  ours.bytes = our_bytes;
  stock.outcome = ours.outcome = "done";
  const Comparison row{revision, request, stock, ours, nullptr};

  const IntendedDifference *expected = nullptr;
  for (const IntendedDifference &each : intended_differences()) {
    if (each.aspect == Aspect::kBytes && each.applies(row)) expected = &each;
  }
  EXPECT_TRUE(have_same_effect(row.stock_rule(), row.our_rule()))
      << what << "\n  stock: " << stock_bytes << "\n  ours:  " << our_bytes;
  if (expected == nullptr) {
    EXPECT_EQ(stock_bytes, our_bytes) << what;
    return;
  }
  EXPECT_NE(stock_bytes, our_bytes) << what << ": no longer differs: " << expected->name;
  EXPECT_TRUE(expected->is_as_intended(row))
      << what << ": not as intended: " << expected->name << ": " << our_bytes;
  ++seen_[expected->name];
}

void BytesJudge::look_at(const std::string &what, const std::vector<TableRule> &stock,
                         const std::vector<TableRule> &ours) {
  ASSERT_EQ(stock.size(), ours.size()) << what;
  for (std::size_t i = 0; i < stock.size(); ++i) {
    const std::string rule = what + ", rule " + std::to_string(i + 1) + " in " + stock[i].chain;
    EXPECT_EQ(stock[i].chain, ours[i].chain) << rule;
    EXPECT_EQ(stock[i].rest, ours[i].rest) << rule;
    ASSERT_EQ(stock[i].targets.size(), ours[i].targets.size()) << rule;
    for (std::size_t k = 0; k < stock[i].targets.size(); ++k) {
      const ConnmarkTarget &one = stock[i].targets[k];
      const ConnmarkTarget &other = ours[i].targets[k];
      ASSERT_EQ(one.revision, other.revision) << rule;
      look_at(rule, one.revision, one.bytes, other.bytes);
    }
  }
}

int BytesJudge::times_seen(std::string_view intended_difference) const {
  const auto found = seen_.find(intended_difference);
  return found == seen_.end() ? 0 : found->second;
}

}  // namespace connmark::test
