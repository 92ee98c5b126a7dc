// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/legacy_tables.h"

// Unlike the other, this header does not say that it is C.
extern "C" {
#include <libiptc/libip6tc.h>
}
#include <libiptc/libiptc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/legacy_packet.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/read_kernel/xt_text.h"
#include "command/refusal.h"
#include "command/rule_set/builtin_chains.h"
#include "command/rule_set/extension_effects.h"

namespace connmark {
namespace {

struct Ipv4 {
  using Entry = ipt_entry;
  static constexpr Family kFamily = Family::kIpv4;
  static constexpr const char *kSource = "kernel: legacy ip tables";
  static constexpr const char *kTables = "ip_tables_names";
  static constexpr auto kOpen = iptc_init;
  static constexpr auto kClose = iptc_free;
  static constexpr auto kFirstChain = iptc_first_chain;
  static constexpr auto kNextChain = iptc_next_chain;
  static constexpr auto kFirstRule = iptc_first_rule;
  static constexpr auto kNextRule = iptc_next_rule;
  static constexpr auto kTarget = iptc_get_target;
  static constexpr auto kPolicy = iptc_get_policy;
  static constexpr int kLevel = IPPROTO_IP;
  static constexpr int kGetInfo = IPT_SO_GET_INFO;
  static constexpr int kAddressFamily = AF_INET;

  static LegacyPacket packet(const Entry &entry) {
    const ipt_ip &ip = entry.ip;
    return legacy_packet(ip, (ip.flags & IPT_F_FRAG) != 0, (ip.flags & IPT_F_GOTO) != 0);
  }
};

struct Ipv6 {
  using Entry = ip6t_entry;
  static constexpr Family kFamily = Family::kIpv6;
  static constexpr const char *kSource = "kernel: legacy ip6 tables";
  static constexpr const char *kTables = "ip6_tables_names";
  static constexpr auto kOpen = ip6tc_init;
  static constexpr auto kClose = ip6tc_free;
  static constexpr auto kFirstChain = ip6tc_first_chain;
  static constexpr auto kNextChain = ip6tc_next_chain;
  static constexpr auto kFirstRule = ip6tc_first_rule;
  static constexpr auto kNextRule = ip6tc_next_rule;
  static constexpr auto kTarget = ip6tc_get_target;
  static constexpr auto kPolicy = ip6tc_get_policy;
  static constexpr int kLevel = IPPROTO_IPV6;
  static constexpr int kGetInfo = IP6T_SO_GET_INFO;
  static constexpr int kAddressFamily = AF_INET6;

  static LegacyPacket packet(const Entry &entry) {
    const ip6t_ip6 &ip = entry.ipv6;
    return legacy_packet(ip, false, (ip.flags & IP6T_F_GOTO) != 0);
  }
};

XtExtension extension(const void *entry, std::size_t size, const char *name,
                      std::uint8_t revision) {
  // Matches and targets have heads of one size, which has any data's alignment.
  static_assert(sizeof(xt_entry_match) == sizeof(xt_entry_target));
  constexpr std::size_t kHead = sizeof(xt_entry_match);
  return {
      std::string(name, strnlen(name, XT_EXTENSION_MAXNAMELEN)), revision,
      std::span(static_cast<const std::byte *>(entry) + kHead, size > kHead ? size - kHead : 0)};
}

template <typename Entry>
std::vector<XtExtension> matches_of(const Entry &entry) {
  std::vector<XtExtension> matches;
  const auto *const bytes = reinterpret_cast<const std::byte *>(&entry);
  std::size_t offset = sizeof entry;
  while (offset + sizeof(xt_entry_match) <= entry.target_offset) {
    const auto &match = *reinterpret_cast<const xt_entry_match *>(bytes + offset);
    const std::size_t size = match.u.match_size;
    if (size < sizeof match) break;
    matches.push_back(extension(&match, size, match.u.user.name, match.u.user.revision));
    offset += size;
  }
  return matches;
}

template <typename Entry>
XtExtension target_of(const Entry &entry) {
  const auto &target = *reinterpret_cast<const xt_entry_target *>(
      reinterpret_cast<const std::byte *>(&entry) + entry.target_offset);
  return extension(&target, target.u.target_size, target.u.user.name, target.u.user.revision);
}

template <typename Protocol>
class TableReader {
 public:
  using Entry = typename Protocol::Entry;

  TableReader(Ruleset &ruleset, InputIndex input, std::string table)
      : ruleset_(ruleset), input_(input), table_(std::move(table)) {}

  // A table that has gone since it was listed is left out.
  void read() {
    handle_ = {Protocol::kOpen(table_.c_str()), Protocol::kClose};
    if (handle_ == nullptr) {
      if (errno == ENOENT) return;
      refuse_access(errno);
    }
    // Chains first: a rule may jump to a later one.
    for (const char *chain = Protocol::kFirstChain(handle_.get()); chain != nullptr;
         chain = Protocol::kNextChain(handle_.get())) {
      add_chain(chain);
    }
    for (const auto &[name, index] : in_order_) read_rules(name, index);
  }

 private:
  void add_chain(const char *name) {
    Chain chain;
    chain.input = input_;
    chain.family = Protocol::kFamily;
    chain.table = table_;
    chain.name = name;
    if (const auto builtin = builtin_chain(table_, name)) {
      chain.hook = builtin->hook;
      chain.priority = builtin->priority;
      chain.reroutes = builtin->reroutes;
      chain.is_nat = table_ == "nat";
      xt_counters counters = {};
      const char *const policy = Protocol::kPolicy(name, &counters, handle_.get());
      chain.policy_drops = policy != nullptr && std::string_view(policy) == "DROP";
    }
    const auto index = static_cast<ChainIndex>(ruleset_.chains.size());
    ruleset_.chains.push_back(std::move(chain));
    in_order_.emplace_back(name, index);
    by_name_.emplace(name, index);
  }

  void read_rules(const std::string &chain, ChainIndex index) {
    std::uint64_t number = 0;
    for (const Entry *entry = Protocol::kFirstRule(chain.c_str(), handle_.get()); entry != nullptr;
         entry = Protocol::kNextRule(entry, handle_.get())) {
      read_rule(*entry, chain, index, ++number);
    }
  }

  void read_rule(const Entry &entry, const std::string &chain, ChainIndex index,
                 std::uint64_t number) {
    ++ruleset_.inputs[input_].rules;
    const LegacyPacket packet = Protocol::packet(entry);
    const XtContext context{Protocol::kFamily, packet.only_protocol()};
    Rule rule;
    rule.chain = index;
    rule.number = number;
    add_packet_matches(context.family, packet, rule);
    RuleMarks marks(rule);
    const std::vector<XtExtension> matches = matches_of(entry);
    bool touches_marks = false;
    for (const XtExtension &match : matches) {
      if (add_match(context, match, rule, marks)) touches_marks = true;
    }
    // "ACCEPT", a chain, nothing for a rule that only counts, or an extension's name.
    const std::string verdict = Protocol::kTarget(&entry, handle_.get());
    const XtExtension target = target_of(entry);
    std::string target_words;
    if (!target.name.empty()) {
      if (add_target(target, rule, marks)) touches_marks = true;
    } else if (const auto jump = by_name_.find(verdict); jump != by_name_.end()) {
      rule.outcome = {packet.is_goto ? Verdict::kGoto : Verdict::kJump, jump->second};
      target_words = (packet.is_goto ? " -g " : " -j ") + verdict;
    } else if (!verdict.empty()) {
      rule.outcome.verdict = verdict_of_target(verdict);
      target_words = " -j " + verdict;
      if (verdict == "QUEUE") {
        read_packet_mark(rule);
        touches_marks = true;
      }
    }
    if (!touches_marks && rule.outcome.verdict == Verdict::kContinue && !rule.untracks) return;
    if (touches_marks) {
      rule.text = "-A " + chain + packet_text(context.family, packet);
      for (const XtExtension &match : matches) {
        rule.text += match_text(context.family, context.protocol, match);
      }
      rule.text += target.name.empty() ? target_words
                                       : target_text(context.family, context.protocol, target);
    }
    ruleset_.rules.push_back(std::move(rule));
  }

  Ruleset &ruleset_;
  InputIndex input_;
  std::string table_;
  std::unique_ptr<xtc_handle, void (*)(xtc_handle *)> handle_{nullptr, Protocol::kClose};
  std::vector<std::pair<std::string, ChainIndex>> in_order_;
  std::unordered_map<std::string, ChainIndex> by_name_;
};

// Whether the kernel has ip_tables or ip6_tables.  A question of the wrong size is
// refused before any table is looked for.
template <typename Protocol>
bool has_tables() {
  const int socket = ::socket(Protocol::kAddressFamily, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno != EAFNOSUPPORT;
  char too_short = 0;
  socklen_t size = sizeof too_short;
  const int result = getsockopt(socket, Protocol::kLevel, Protocol::kGetInfo, &too_short, &size);
  const bool is_there = result == 0 || errno != ENOPROTOOPT;
  close(socket);
  return is_there;
}

// The tables that exist; nothing where the kernel has none of this family.
// libiptc makes the kernel create any other that is asked for, and an audit
// changes nothing.
template <typename Protocol>
std::optional<std::vector<std::string>> table_names() {
  // Where /proc shows processes alone, the network is still with each of them.
  const std::string folder = "/proc/self/net";
  errno = 0;
  std::ifstream in(folder + "/" + Protocol::kTables);
  if (!in) {
    const int error = errno;
    if (error != ENOENT) refuse_access(error);
    if (access((folder + "/dev").c_str(), F_OK) == 0 || !has_tables<Protocol>()) {
      return std::nullopt;
    }
    throw Refusal(folder + " is not there, is /proc mounted?");
  }
  std::vector<std::string> names;
  for (std::string name; std::getline(in, name);) names.push_back(std::move(name));
  if (in.bad()) refuse_access(EIO);
  return names;
}

template <typename Protocol>
bool read_family(Ruleset &ruleset) {
  const auto names = table_names<Protocol>();
  if (!names) return false;
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  ruleset.inputs.push_back({.name = Protocol::kSource});
  for (const std::string &name : *names) TableReader<Protocol>(ruleset, input, name).read();
  return true;
}

}  // namespace

const char *legacy_source(Family family) {
  return family == Family::kIpv6 ? Ipv6::kSource : Ipv4::kSource;
}

bool read_legacy_tables(Family family, Ruleset &ruleset) {
  return family == Family::kIpv6 ? read_family<Ipv6>(ruleset) : read_family<Ipv4>(ruleset);
}

}  // namespace connmark
