// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any datagram in the place of the kernel's answer to a question for the rules of
// ip rule.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "command/iproute/policy_rule_text.h"
#include "command/read_kernel/netlink.h"
#include "command/read_kernel/policy_rule_message.h"
#include "command/refusal.h"

namespace {

using connmark::PolicyRule;

// More than the longest interface names and prefixes make.
constexpr std::size_t kLongestText = 1000;

void expect(bool holds, const char *what, const PolicyRule &rule) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", what, rule.text.c_str());
  std::abort();
}

// Names of interfaces are anybody's text, as far as the message goes.
bool has_plain_names(const PolicyRule &rule) {
  return std::ranges::all_of(rule.text, [](char c) { return c >= ' ' && c < 0x7f; }) &&
         std::ranges::none_of(rule.matches, [](const connmark::Match &match) {
           const bool is_name = match.attribute == connmark::Attribute::kInInterface ||
                                match.attribute == connmark::Attribute::kOutInterface;
           return is_name && (match.text.empty() || match.text.find(' ') != match.text.npos);
         });
}

void check(const PolicyRule &rule) {
  expect(rule.text.starts_with(std::to_string(rule.priority) + ":"), "begins with the priority",
         rule);
  expect(rule.table.has_value() == !rule.table_name.empty(), "a table has a name", rule);
  if (!has_plain_names(rule)) return;
  expect(rule.text.size() <= kLongestText, "is short", rule);
  const PolicyRule again = connmark::read_policy_rule(rule.text);
  expect(
      again.text == rule.text && again.priority == rule.priority && again.inverted == rule.inverted,
      "reads the same as a text", rule);
  expect(again.value == rule.value && again.mask == rule.mask, "has the same mark as a text", rule);
  if (rule.action != connmark::RoutingAction::kOther) {
    expect(again.action == rule.action, "does the same as a text", rule);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  // At an address that suits a message, and without a byte behind it.
  std::vector<std::uint32_t> memory((size + 3) / 4);
  if (size != 0) std::memcpy(memory.data(), data, size);
  const std::span bytes(reinterpret_cast<const char *>(memory.data()), size);
  try {
    connmark::read_answer(bytes, 1, [](const nlmsghdr &message) {
      if (const auto rule = connmark::policy_rule_of(message)) check(*rule);
      return true;
    });
  } catch (const connmark::Refusal &refused) {
    std::fprintf(stderr, "refused: %s\n", refused.what());
    std::abort();
  }
  return 0;
}
