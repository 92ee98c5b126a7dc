// SPDX-License-Identifier: GPL-2.0-or-later
//
// What one caller did with iptables' own plugin and with ours.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "callers/kernel_table.h"
#include "support/command.h"

namespace connmark::test {

// The environment entry for run() that makes iptables load a plugin.
struct Plugin {
  std::string name;  // for failure messages
  std::string environment;
};

Plugin stock_plugin();
Plugin our_plugin();

// Why the two cannot be compared here, or nothing.
std::string why_not_comparable();

// Compares bytes, and expects those differences that
// differential/intended_differences.cpp lists, and no others.
class BytesJudge {
 public:
  // `what` describes the rule; bytes are 32 hexadecimal digits.
  void look_at(const std::string &what, int revision, std::string_view stock,
               std::string_view ours);

  // Both targets and all that lies around them.
  void look_at(const std::string &what, const std::vector<TableRule> &stock,
               const std::vector<TableRule> &ours);

  // How often each intended difference was seen.
  int times_seen(std::string_view intended_difference) const;

 private:
  std::map<std::string_view, int> seen_;
};

}  // namespace connmark::test
