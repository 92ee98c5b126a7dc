// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/xt_extensions.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_TPROXY.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/netfilter/xt_socket.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "command/read_kernel/xt_matches.h"
#include "command/rule_set/extension_effects.h"
#include "connmark/wire.h"

namespace connmark {
namespace {

// The mark and connmark matches have one layout.
static_assert(sizeof(xt_mark_mtinfo1) == sizeof(xt_connmark_mtinfo1));
static_assert(offsetof(xt_mark_mtinfo1, invert) == offsetof(xt_connmark_mtinfo1, invert));

// Of xt_set_info_target_v3 in linux/netfilter/xt_set.h, which C++ cannot read:
// three sets of 4 bytes, then the flags.
constexpr std::size_t kSetFlagsOffset = 12;

template <typename Layout>
bool load(const XtExtension &from, Layout &to) {
  static_assert(std::is_trivially_copyable_v<Layout>);
  if (from.data.size() < sizeof to) return false;
  std::memcpy(&to, from.data.data(), sizeof to);
  return true;
}

bool in_words(const char *option, const XtExtension &extension, RuleMarks &marks) {
  marks.say(std::string(option) + " " + extension.name + ", revision " +
            std::to_string(extension.revision));
  return true;
}

bool test_mark(Mark mark, const XtExtension &match, RuleMarks &marks) {
  xt_mark_mtinfo1 info;
  if (match.revision != 1 || !load(match, info)) return in_words("-m", match, marks);
  marks.test(mark, info.mark, info.mask, info.invert != 0);
  return true;
}

bool restore_socket_mark(const XtExtension &match, RuleMarks &marks) {
  if (match.revision < 3) return false;
  xt_socket_mtinfo3 info;
  if (match.revision > 3 || !load(match, info)) return in_words("-m", match, marks);
  if ((info.flags & XT_SOCKET_RESTORESKMARK) == 0) return false;
  marks.write_unknown(Mark::kPacket, "-m socket --restore-skmark");
  return true;
}

void write_mark_rule(const MarkRule &mark_rule, Rule &rule, RuleMarks &marks) {
  rule.mark_rule = mark_rule;
  // The kernel does nothing in a mode that it does not know.
  if (is_known(mark_rule.op.mode)) {
    marks.write_from_now(written_mark(mark_rule), expression_of(mark_rule));
  }
}

bool connmark(const XtExtension &target, Rule &rule, RuleMarks &marks) {
  const bool known = target.revision == 1 || target.revision == 2;
  if (!known || target.data.size() < kWireSize) return in_words("-j", target, marks);
  const Operation op = canonical(decode(Revision{target.revision}, target.data.data()));
  write_mark_rule({Target::kConnmark, op}, rule, marks);
  return true;
}

bool mark(const XtExtension &target, Rule &rule, RuleMarks &marks) {
  xt_mark_tginfo2 info;
  if (target.revision != 2 || !load(target, info)) return in_words("-j", target, marks);
  write_mark_rule({Target::kMark, set_xmark(info.mark, info.mask)}, rule, marks);
  return true;
}

bool tproxy(const XtExtension &target, RuleMarks &marks) {
  // Both revisions begin so.
  struct {
    std::uint32_t mask;
    std::uint32_t value;
  } info;
  static_assert(offsetof(xt_tproxy_target_info, mark_value) == 4);
  static_assert(offsetof(xt_tproxy_target_info_v1, mark_value) == 4);
  if (target.revision > 1 || !load(target, info)) return in_words("-j", target, marks);
  if (info.mask == 0 && info.value == 0) return false;
  marks.write(Mark::kPacket, (marks.now(Mark::kPacket) & MarkExpression::constant(~info.mask)) ^
                                 MarkExpression::constant(info.value));
  return true;
}

bool set_of_addresses(const XtExtension &target, RuleMarks &marks) {
  if (target.revision < 3) return false;
  std::uint32_t flags = 0;
  if (target.revision > 3 || target.data.size() < kSetFlagsOffset + sizeof flags) {
    return in_words("-j", target, marks);
  }
  std::memcpy(&flags, target.data.data() + kSetFlagsOffset, sizeof flags);
  if ((flags & IPSET_FLAG_MAP_SKBMARK) == 0) return false;
  marks.write_unknown(Mark::kPacket, "-j SET --map-mark");
  return true;
}

// The way back is looked up with the mark.
bool check_way_back(const XtExtension &match, Rule &rule, RuleMarks &marks) {
  xt_rpfilter_info info;
  if (match.revision != 0 || !load(match, info)) return in_words("-m", match, marks);
  if ((info.flags & XT_RPFILTER_VALID_MARK) == 0) return false;
  rule.tests.push_back({.mark = Mark::kPacket, .mask = kAllBits, .value_known = false});
  return true;
}

// All revisions begin with the flags.
bool conntrack(const XtExtension &target, Rule &rule) {
  std::uint16_t flags = 0;
  if (!load(target, flags)) return false;
  if ((flags & XT_CT_NOTRACK) != 0) rule.untracks = true;
  if ((flags & XT_CT_ZONE_MARK) == 0) return false;
  read_packet_mark(rule);
  return true;
}

std::string text_of(std::span<const std::byte> bytes) {
  const auto end = std::ranges::find(bytes, std::byte{0});
  std::string text;
  std::ranges::transform(bytes.begin(), end, std::back_inserter(text),
                         [](std::byte byte) { return static_cast<char>(byte); });
  return text;
}

}  // namespace

void read_packet_mark(Rule &rule) {
  if (std::ranges::any_of(rule.tests, [](const MarkTest &each) { return !each.decides; })) return;
  rule.tests.push_back(
      {.mark = Mark::kPacket, .mask = kAllBits, .value_known = false, .decides = false});
}

bool add_match(const XtContext &context, const XtExtension &match, Rule &rule, RuleMarks &marks) {
  if (match.name == "mark") return test_mark(Mark::kPacket, match, marks);
  if (match.name == "connmark") return test_mark(Mark::kConnection, match, marks);
  if (match.name == "comment") {
    rule.comment = text_of(match.data);
    return false;
  }
  add_other_match(context, match, rule);
  if (match.name == "socket") return restore_socket_mark(match, marks);
  if (match.name == "rpfilter") return check_way_back(match, rule, marks);
  // ebtables' match of the packet's mark.
  if (match.name == "mark_m") return in_words("-m", match, marks);
  return false;
}

bool add_target(const XtExtension &target, Rule &rule, RuleMarks &marks) {
  rule.outcome.verdict = verdict_of_target(target.name);
  if (target.name == "CONNMARK") return connmark(target, rule, marks);
  if (target.name == "MARK") return mark(target, rule, marks);
  if (target.name == "TPROXY") return tproxy(target, marks);
  if (target.name == "SET") return set_of_addresses(target, marks);
  if (target.name == "CT") return conntrack(target, rule);
  if (target.name == "NOTRACK") rule.untracks = true;
  if (target.name == "NFQUEUE") {
    read_packet_mark(rule);
    return true;
  }
  // A hash of addresses and ports, and ebtables' target.
  if (target.name == "HMARK" || target.name == "mark") {
    marks.write_unknown(Mark::kPacket, "-j " + target.name);
    return true;
  }
  return false;
}

}  // namespace connmark
