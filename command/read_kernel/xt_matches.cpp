// SPDX-License-Identifier: GPL-2.0-or-later
//
// What Match can say is read from a match's data; a match that asks for more is
// added once more as a whole, in the words of its own plugin.
#include "command/read_kernel/xt_matches.h"

// clang-format off: its types are used by the one behind it.
#include <linux/netfilter.h>
#include <linux/netfilter/xt_conntrack.h>
// clang-format on
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "command/iptables/packet_matches.h"
#include "command/read_kernel/xt_text.h"
#include "command/rule_set/extension_effects.h"

namespace connmark {
namespace {

struct StateBit {
  std::uint32_t of_kernel;
  std::uint32_t of_match;
};

// Of --state and --ctstate: the bits are those of XT_STATE_BIT and
// XT_CONNTRACK_STATE_BIT, save that of untracked, which the two have elsewhere.
// Nothing where there are states that no packet is in alone: SNAT and DNAT.
std::optional<std::uint32_t> states_of(std::uint32_t mask, std::uint32_t untracked) {
  const std::array bits = {
      StateBit{XT_CONNTRACK_STATE_INVALID, kStateInvalid},
      StateBit{XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED), kStateEstablished},
      StateBit{XT_CONNTRACK_STATE_BIT(IP_CT_RELATED), kStateRelated},
      StateBit{XT_CONNTRACK_STATE_BIT(IP_CT_NEW), kStateNew},
      StateBit{untracked, kStateUntracked},
  };
  std::uint32_t states = 0;
  for (const StateBit &each : bits) {
    if ((mask & each.of_kernel) != 0) states |= each.of_match;
    mask &= ~each.of_kernel;
  }
  return mask == 0 ? std::optional(states) : std::nullopt;
}

template <typename Layout>
std::optional<Layout> load(const XtExtension &match) {
  static_assert(std::is_trivially_copyable_v<Layout>);
  if (match.data.size() < sizeof(Layout)) return std::nullopt;
  Layout layout;
  std::memcpy(&layout, match.data.data(), sizeof layout);
  return layout;
}

// Each function returns whether all that the match asks for was added.
class MatchReader {
 public:
  MatchReader(const XtExtension &match, Rule &rule) : match_(match), rule_(rule) {}

  bool read() {
    if (match_.revision == 0 && match_.name == "tcp") return tcp();
    if (match_.revision == 0 && match_.name == "udp") return udp();
    if (match_.revision == 1 && match_.name == "multiport") return multiport();
    if (match_.revision == 0 && match_.name == "state") return state();
    if (match_.name != "conntrack") return false;
    if (match_.revision == 2) return conntrack<xt_conntrack_mtinfo2>();
    return match_.revision == 3 && conntrack<xt_conntrack_mtinfo3>();
  }

 private:
  void ports(Attribute attribute, const std::uint16_t (&range)[2], bool inverted) {
    if (range[0] == 0 && range[1] == kLastPort && !inverted) return;
    rule_.matches.push_back({.attribute = attribute,
                             .inverted = inverted,
                             .from = range[0],
                             .to = range[1],
                             .text = {}});
  }

  bool tcp() {
    const auto tcp = load<xt_tcp>(match_);
    if (!tcp) return false;
    ports(Attribute::kSourcePort, tcp->spts, (tcp->invflags & XT_TCP_INV_SRCPT) != 0);
    ports(Attribute::kDestinationPort, tcp->dpts, (tcp->invflags & XT_TCP_INV_DSTPT) != 0);
    constexpr int kOfPorts = XT_TCP_INV_SRCPT | XT_TCP_INV_DSTPT;
    return tcp->flg_mask == 0 && tcp->option == 0 && (tcp->invflags & ~kOfPorts) == 0;
  }

  bool udp() {
    const auto udp = load<xt_udp>(match_);
    if (!udp) return false;
    ports(Attribute::kSourcePort, udp->spts, (udp->invflags & XT_UDP_INV_SRCPT) != 0);
    ports(Attribute::kDestinationPort, udp->dpts, (udp->invflags & XT_UDP_INV_DSTPT) != 0);
    return true;
  }

  bool multiport() {
    const auto info = load<xt_multiport_v1>(match_);
    if (!info || info->flags == XT_MULTIPORT_EITHER) return false;
    const bool is_range = info->count == 2 && info->pflags[0] != 0;
    if (info->count != 1 && !is_range) return false;
    ports(info->flags == XT_MULTIPORT_SOURCE ? Attribute::kSourcePort : Attribute::kDestinationPort,
          {info->ports[0], info->ports[is_range ? 1 : 0]}, info->invert != 0);
    return true;
  }

  bool states(std::uint32_t mask, std::uint32_t untracked, bool inverted) {
    const auto states = states_of(mask, untracked);
    if (!states) return false;
    rule_.matches.push_back({.attribute = Attribute::kConnectionState,
                             .inverted = inverted,
                             .from = *states,
                             .text = {}});
    return true;
  }

  bool state() {
    const auto info = load<xt_state_info>(match_);
    return info && states(info->statemask, XT_STATE_UNTRACKED, false);
  }

  template <typename Layout>
  bool conntrack() {
    const auto info = load<Layout>(match_);
    if (!info) return false;
    const auto is_inverted = [&info](unsigned flag) { return (info->invert_flags & flag) != 0; };
    unsigned left = info->match_flags & ~unsigned{XT_CONNTRACK_STATE_ALIAS};
    // Beside a state, packets without a connection pass any other question.
    if (left == XT_CONNTRACK_DIRECTION) {
      rule_.matches.push_back({.attribute = Attribute::kConnectionDirection,
                               .from = is_inverted(XT_CONNTRACK_DIRECTION) ? 1U : 0U,
                               .text = {}});
      return true;
    }
    if ((left & XT_CONNTRACK_STATE) != 0 &&
        states(info->state_mask, XT_CONNTRACK_STATE_UNTRACKED, is_inverted(XT_CONNTRACK_STATE))) {
      left &= ~unsigned{XT_CONNTRACK_STATE};
    }
    return left == 0 && info->match_flags != 0;
  }

  const XtExtension &match_;
  Rule &rule_;
};

}  // namespace

void add_other_match(const XtContext &context, const XtExtension &match, Rule &rule) {
  if (MatchReader(match, rule).read()) return;
  std::string words = match_text(context.family, context.protocol, match).substr(1);
  // Two that cannot be read need not be the same.
  const bool is_readable = !words.ends_with("[...]");
  rule.matches.push_back(
      {.is_stable = is_readable && is_stable_match(match.name), .text = std::move(words)});
}

}  // namespace connmark
