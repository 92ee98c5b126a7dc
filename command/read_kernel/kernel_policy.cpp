// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/kernel_policy.h"

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/netlink.h"
#include "command/read_kernel/policy_rule_message.h"

namespace connmark {
namespace {

constexpr int kAttempts = 20;
constexpr const char *kInterfaces = "/proc/sys/net/ipv4/conf";

int dump(NetlinkConversation &kernel, int family, std::vector<PolicyRule> &rules) {
  NetlinkRequest request(RTM_GETRULE, NLM_F_DUMP);
  auto *const header = static_cast<fib_rule_hdr *>(
      mnl_nlmsg_put_extra_header(request.message(), sizeof(fib_rule_hdr)));
  header->family = static_cast<std::uint8_t>(family);
  return kernel.ask(request, [&rules](const nlmsghdr &message) {
    if (auto rule = policy_rule_of(message)) rules.push_back(std::move(*rule));
    return true;
  });
}

// Nothing where the interface has gone in the meantime.
std::optional<int> number_in(const std::filesystem::path &path) {
  errno = 0;
  std::ifstream in(path);
  int number = 0;
  if (in >> number) return number;
  if (errno == ENOENT || errno == ENODEV) return std::nullopt;
  refuse_access(errno != 0 ? errno : EIO);
}

}  // namespace

void read_kernel_policy_rules(Ruleset &ruleset) {
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  std::vector<PolicyRule> all;
  NetlinkConversation kernel(NETLINK_ROUTE);
  for (const int family : {AF_INET, AF_INET6}) {
    std::vector<PolicyRule> rules;
    int error = EINTR;
    for (int attempt = 0; error == EINTR && attempt < kAttempts; ++attempt) {
      rules.clear();
      error = dump(kernel, family, rules);
    }
    // Without policy routing, or without IPv6.
    if (error == EOPNOTSUPP || error == EAFNOSUPPORT || error == EPROTONOSUPPORT) continue;
    if (error == EINTR) {
      throw Refusal("the rules change faster than they can be read, try again");
    }
    if (error != 0) refuse_access(error);
    std::ranges::move(rules, std::back_inserter(all));
  }
  for (PolicyRule &rule : all) rule.input = input;
  ruleset.has_policy_rules = true;
  ruleset.inputs.push_back({.name = kPolicyRulesSource, .rules = all.size()});
  std::ranges::move(all, std::back_inserter(ruleset.policy_rules));
}

void read_reverse_path_filters(Ruleset &ruleset) {
  std::error_code error;
  std::vector<std::filesystem::path> interfaces;
  for (std::filesystem::directory_iterator each(kInterfaces, error), end; !error && each != end;
       each.increment(error)) {
    if (each->path().filename() != "default") interfaces.push_back(each->path());
  }
  if (error == std::errc::no_such_file_or_directory) {
    throw Refusal(std::string(kInterfaces) + " is not there, is all of /proc mounted?");
  }
  if (error) refuse_access(error.value());
  std::ranges::sort(interfaces);
  std::vector<ReversePathFilter> found;
  for (const std::filesystem::path &interface : interfaces) {
    const auto filter = number_in(interface / "rp_filter");
    const auto valid_mark = number_in(interface / "src_valid_mark");
    if (!filter || !valid_mark) continue;
    found.push_back({.interface = interface.filename().string(),
                     .rp_filter = *filter,
                     .src_valid_mark = *valid_mark != 0});
  }
  ruleset.inputs.push_back({.name = kReversePathSource, .is_sysctls = true, .rules = found.size()});
  std::ranges::move(found, std::back_inserter(ruleset.reverse_path_filters));
}

}  // namespace connmark
