// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/legacy_tables.h"

// Unlike the other, this header does not say that it is C.
extern "C" {
#include <libiptc/libip6tc.h>
}
#include <libiptc/libiptc.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/read_kernel/xt_text.h"
#include "command/rule_set/builtin_chains.h"

namespace connmark {
namespace {

// What an entry says about addresses, interfaces and protocol; both families
// have the same, in other places and sizes.
struct PacketMatch {
  const void *source = nullptr;
  const void *source_mask = nullptr;
  const void *destination = nullptr;
  const void *destination_mask = nullptr;
  std::size_t address_size = 0;
  const char *in = nullptr;
  const unsigned char *in_mask = nullptr;
  const char *out = nullptr;
  const unsigned char *out_mask = nullptr;
  std::uint8_t protocol = 0;
  bool fragment = false;
  bool is_goto = false;
  std::uint8_t inverted = 0;  // IPT_INV_*, which are IP6T_INV_* as well
};

static_assert(IPT_INV_SRCIP == IP6T_INV_SRCIP && IPT_INV_DSTIP == IP6T_INV_DSTIP &&
              IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT);

// ipt_ip and ip6t_ip6 name their fields alike.
template <typename Addresses>
PacketMatch packet_match_of(const Addresses &ip, bool fragment, bool is_goto) {
  return {.source = &ip.src,
          .source_mask = &ip.smsk,
          .destination = &ip.dst,
          .destination_mask = &ip.dmsk,
          .address_size = sizeof ip.src,
          .in = ip.iniface,
          .in_mask = ip.iniface_mask,
          .out = ip.outiface,
          .out_mask = ip.outiface_mask,
          .protocol = static_cast<std::uint8_t>(ip.proto),
          .fragment = fragment,
          .is_goto = is_goto,
          .inverted = ip.invflags};
}

struct Ipv4 {
  using Entry = ipt_entry;
  static constexpr Family kFamily = Family::kIpv4;
  static constexpr const char *kName = "ip";
  static constexpr const char *kTables = "/proc/net/ip_tables_names";
  static constexpr auto kOpen = iptc_init;
  static constexpr auto kClose = iptc_free;
  static constexpr auto kFirstChain = iptc_first_chain;
  static constexpr auto kNextChain = iptc_next_chain;
  static constexpr auto kFirstRule = iptc_first_rule;
  static constexpr auto kNextRule = iptc_next_rule;
  static constexpr auto kTarget = iptc_get_target;

  static PacketMatch packet_match(const Entry &entry) {
    const ipt_ip &ip = entry.ip;
    return packet_match_of(ip, (ip.flags & IPT_F_FRAG) != 0, (ip.flags & IPT_F_GOTO) != 0);
  }
};

struct Ipv6 {
  using Entry = ip6t_entry;
  static constexpr Family kFamily = Family::kIpv6;
  static constexpr const char *kName = "ip6";
  static constexpr const char *kTables = "/proc/net/ip6_tables_names";
  static constexpr auto kOpen = ip6tc_init;
  static constexpr auto kClose = ip6tc_free;
  static constexpr auto kFirstChain = ip6tc_first_chain;
  static constexpr auto kNextChain = ip6tc_next_chain;
  static constexpr auto kFirstRule = ip6tc_first_rule;
  static constexpr auto kNextRule = ip6tc_next_rule;
  static constexpr auto kTarget = ip6tc_get_target;

  static PacketMatch packet_match(const Entry &entry) {
    const ip6t_ip6 &ip = entry.ipv6;
    return packet_match_of(ip, false, (ip.flags & IP6T_F_GOTO) != 0);
  }
};

bool has_bits(const void *mask, std::size_t size) {
  const auto *const bytes = static_cast<const unsigned char *>(mask);
  return std::any_of(bytes, bytes + size, [](unsigned char byte) { return byte != 0; });
}

bool sees_all_packets(const PacketMatch &match) {
  return !has_bits(match.source_mask, match.address_size) &&
         !has_bits(match.destination_mask, match.address_size) && match.in_mask[0] == 0 &&
         match.out_mask[0] == 0 && match.protocol == 0 && !match.fragment && match.inverted == 0;
}

// The mask covers the NUL of a whole name, and ends before the "+" of a beginning.
std::string interface_text(const char *option, const char *name, const unsigned char *mask,
                           bool inverted) {
  if (mask[0] == 0) return {};
  const auto *const end = std::find(mask, mask + IFNAMSIZ, 0);
  const auto compared = static_cast<std::size_t>(end - mask);
  const std::size_t length = strnlen(name, compared);
  std::string text = std::string(inverted ? " ! " : " ") + option + " ";
  text.append(name, length);
  if (length == compared) text += '+';
  return text;
}

std::string packet_text(Family family, const PacketMatch &match) {
  const auto inverted = [&match](std::uint8_t flag) { return (match.inverted & flag) != 0; };
  std::string text =
      address_text("-s", family, match.source, match.source_mask, inverted(IPT_INV_SRCIP)) +
      address_text("-d", family, match.destination, match.destination_mask,
                   inverted(IPT_INV_DSTIP)) +
      interface_text("-i", match.in, match.in_mask, inverted(IPT_INV_VIA_IN)) +
      interface_text("-o", match.out, match.out_mask, inverted(IPT_INV_VIA_OUT));
  if (match.protocol != 0) {
    text += (inverted(XT_INV_PROTO) ? " ! -p " : " -p ") + protocol_text(match.protocol);
  }
  if (match.fragment) text += inverted(IPT_INV_FRAG) ? " ! -f" : " -f";
  return text;
}

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
      refuse_access(std::string("the legacy ") + Protocol::kName + " table " + table_, errno);
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
    const PacketMatch packet = Protocol::packet_match(entry);
    Rule rule;
    rule.chain = index;
    rule.number = number;
    if (!sees_all_packets(packet)) rule.matches.push_back({});
    RuleMarks marks(rule);
    const std::vector<XtExtension> matches = matches_of(entry);
    bool touches_marks = false;
    for (const XtExtension &match : matches) {
      if (add_match(match, rule, marks)) touches_marks = true;
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
      rule.outcome.verdict = Verdict::kAccept;
      target_words = " -j " + verdict;
    }
    if (!touches_marks && rule.outcome.chain == kNoChain) return;
    if (touches_marks) {
      const std::uint8_t protocol =
          (packet.inverted & XT_INV_PROTO) != 0 ? std::uint8_t{0} : packet.protocol;
      rule.text = "-A " + chain + packet_text(Protocol::kFamily, packet);
      for (const XtExtension &match : matches) {
        rule.text += match_text(Protocol::kFamily, protocol, match);
      }
      rule.text +=
          target.name.empty() ? target_words : target_text(Protocol::kFamily, protocol, target);
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

// The tables that exist.  libiptc makes the kernel create any other that is asked
// for, and an audit changes nothing.
std::vector<std::string> table_names(const char *path) {
  std::vector<std::string> names;
  errno = 0;
  std::ifstream in(path);
  if (!in) {
    // Not there: a kernel without legacy tables of this family.
    if (errno != ENOENT) refuse_access(path, errno);
    return names;
  }
  for (std::string name; std::getline(in, name);) names.push_back(std::move(name));
  return names;
}

template <typename Protocol>
void read_family(Ruleset &ruleset) {
  const std::vector<std::string> names = table_names(Protocol::kTables);
  if (names.empty()) return;
  const auto input = static_cast<InputIndex>(ruleset.inputs.size());
  ruleset.inputs.push_back({.name = std::string("kernel: legacy ") + Protocol::kName + " tables"});
  for (const std::string &name : names) TableReader<Protocol>(ruleset, input, name).read();
}

}  // namespace

void read_legacy_tables(Ruleset &ruleset) {
  read_family<Ipv4>(ruleset);
  read_family<Ipv6>(ruleset);
}

}  // namespace connmark
