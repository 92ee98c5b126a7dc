// SPDX-License-Identifier: GPL-2.0-or-later
//
// Options that Match can say are taken out of a match's data; what is left, if
// anything, is written by the match's own plugin.
#include "command/read_kernel/xt_matches.h"

// clang-format off: its types are used by the one behind it.
#include <linux/netfilter.h>
#include <linux/netfilter/xt_conntrack.h>
// clang-format on
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "command/read_kernel/xt_text.h"
#include "command/rule_set/extension_effects.h"

namespace connmark {
namespace {

constexpr std::uint16_t kLastPort = 65535;

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

// Whether a packet without a connection can pass.
bool passes_without_connection(std::uint32_t states, bool inverted) {
  constexpr std::uint32_t kWithout = kStateInvalid | kStateUntracked;
  return inverted ? (states & kWithout) != kWithout : (states & kWithout) != 0;
}

template <typename Layout>
std::optional<Layout> load(const XtExtension &match) {
  static_assert(std::is_trivially_copyable_v<Layout>);
  if (match.data.size() < sizeof(Layout)) return std::nullopt;
  Layout layout;
  std::memcpy(&layout, match.data.data(), sizeof layout);
  return layout;
}

class MatchReader {
 public:
  MatchReader(const XtContext &context, const XtExtension &match, Rule &rule)
      : context_(context), match_(match), rule_(rule) {}

  void read() {
    if (match_.revision == 0 && match_.name == "tcp" && tcp()) return;
    if (match_.revision == 0 && match_.name == "udp" && udp()) return;
    if (match_.revision == 1 && match_.name == "multiport" && multiport()) return;
    if (match_.revision == 0 && match_.name == "state" && state()) return;
    if (match_.name == "conntrack") {
      if (match_.revision == 2 && conntrack<xt_conntrack_mtinfo2>()) return;
      if (match_.revision == 3 && conntrack<xt_conntrack_mtinfo3>()) return;
    }
    other(match_, is_stable_match(match_.name));
  }

 private:
  void add(Match match) { rule_.matches.push_back(std::move(match)); }

  void ports(Attribute attribute, std::uint16_t from, std::uint16_t to, bool inverted) {
    if (from == 0 && to == kLastPort && !inverted) return;
    add({.attribute = attribute,
         .inverted = inverted,
         .is_stable = true,
         .from = from,
         .to = to,
         .text = {}});
  }

  void other(const XtExtension &match, bool is_stable) {
    std::string words = match_text(context_.family, context_.protocol, match).substr(1);
    // Two that cannot be read need not be the same.
    const bool is_whole = !words.ends_with("[...]");
    add({.is_stable = is_stable && is_whole, .text = std::move(words)});
  }

  // What `layout` still asks for.
  template <typename Layout>
  void rest(const Layout &layout, bool is_stable) {
    other({match_.name, match_.revision, std::as_bytes(std::span(&layout, 1))}, is_stable);
  }

  bool tcp() {
    const auto loaded = load<xt_tcp>(match_);
    if (!loaded) return false;
    xt_tcp tcp = *loaded;
    ports(Attribute::kSourcePort, tcp.spts[0], tcp.spts[1],
          (tcp.invflags & XT_TCP_INV_SRCPT) != 0);
    ports(Attribute::kDestinationPort, tcp.dpts[0], tcp.dpts[1],
          (tcp.invflags & XT_TCP_INV_DSTPT) != 0);
    const bool has_ports = take_ports(tcp, XT_TCP_INV_SRCPT | XT_TCP_INV_DSTPT);
    // Alone it still passes no later fragment.
    if (has_ports && tcp.flg_mask == 0 && tcp.option == 0 && tcp.invflags == 0) return true;
    rest(tcp, true);
    return true;
  }

  bool udp() {
    const auto loaded = load<xt_udp>(match_);
    if (!loaded) return false;
    xt_udp udp = *loaded;
    ports(Attribute::kSourcePort, udp.spts[0], udp.spts[1],
          (udp.invflags & XT_UDP_INV_SRCPT) != 0);
    ports(Attribute::kDestinationPort, udp.dpts[0], udp.dpts[1],
          (udp.invflags & XT_UDP_INV_DSTPT) != 0);
    if (!take_ports(udp, XT_UDP_INV_SRCPT | XT_UDP_INV_DSTPT)) rest(udp, true);
    return true;
  }

  // Whether there were any.
  template <typename Layout>
  static bool take_ports(Layout &layout, int inverted) {
    const Layout before = layout;
    layout.spts[0] = layout.dpts[0] = 0;
    layout.spts[1] = layout.dpts[1] = kLastPort;
    layout.invflags = static_cast<std::uint8_t>(layout.invflags & ~inverted);
    return std::memcmp(&before, &layout, sizeof layout) != 0;
  }

  bool multiport() {
    const auto info = load<xt_multiport_v1>(match_);
    if (!info || info->flags == XT_MULTIPORT_EITHER) return false;
    const bool is_range = info->count == 2 && info->pflags[0] != 0;
    if (info->count != 1 && !is_range) return false;
    ports(info->flags == XT_MULTIPORT_SOURCE ? Attribute::kSourcePort
                                             : Attribute::kDestinationPort,
          info->ports[0], info->ports[is_range ? 1 : 0], info->invert != 0);
    return true;
  }

  void state(std::uint32_t states, bool inverted) {
    add({.attribute = Attribute::kConnectionState,
         .inverted = inverted,
         .is_stable = true,
         .from = states,
         .text = {}});
  }

  bool state() {
    const auto info = load<xt_state_info>(match_);
    const auto states = info ? states_of(info->statemask, XT_STATE_UNTRACKED) : std::nullopt;
    if (!states) return false;
    state(*states, false);
    return true;
  }

  template <typename Layout>
  bool conntrack() {
    auto info = load<Layout>(match_);
    if (!info) return false;
    const auto take = [&info](unsigned flag) {
      const bool is_there = (info->match_flags & flag) != 0;
      info->match_flags = static_cast<std::uint16_t>(info->match_flags & ~flag);
      info->invert_flags = static_cast<std::uint16_t>(info->invert_flags & ~flag);
      return is_there;
    };
    const bool inverted_state = (info->invert_flags & XT_CONNTRACK_STATE) != 0;
    const bool is_reply = (info->invert_flags & XT_CONNTRACK_DIRECTION) != 0;
    take(XT_CONNTRACK_STATE_ALIAS);
    const auto states = states_of(info->state_mask, XT_CONNTRACK_STATE_UNTRACKED);
    if ((info->match_flags & XT_CONNTRACK_STATE) != 0) {
      // Of a packet without a connection the kernel looks at the state alone.
      const bool is_alone = info->match_flags == XT_CONNTRACK_STATE;
      if (!states || (!is_alone && passes_without_connection(*states, inverted_state))) {
        return false;
      }
    }
    if (take(XT_CONNTRACK_STATE)) state(*states, inverted_state);
    if (take(XT_CONNTRACK_DIRECTION)) {
      add({.attribute = Attribute::kConnectionDirection,
           .is_stable = true,
           .from = is_reply ? 1U : 0U,
           .text = {}});
    }
    if (info->match_flags == 0) return true;
    // The status and the time that is left change while a packet is on its way.
    rest(*info, (info->match_flags & (XT_CONNTRACK_STATUS | XT_CONNTRACK_EXPIRES)) == 0);
    return true;
  }

  const XtContext &context_;
  const XtExtension &match_;
  Rule &rule_;
};

}  // namespace

void add_other_match(const XtContext &context, const XtExtension &match, Rule &rule) {
  MatchReader(context, match, rule).read();
}

}  // namespace connmark
