// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule of one of the two targets that write marks.
#pragma once

#include <cstdint>
#include <string>

#include "connmark/operation.h"

namespace connmark {

enum class Target : std::uint8_t { kConnmark, kMark };

constexpr const char *name(Target target) {
  return target == Target::kConnmark ? "CONNMARK" : "MARK";
}

// The two marks, with the kernel's names for them.
enum class Mark : std::uint8_t { kConnection, kPacket };

constexpr const char *name(Mark mark) { return mark == Mark::kConnection ? "ctmark" : "nfmark"; }
constexpr const char *owner(Mark mark) {
  return mark == Mark::kConnection ? "connection" : "packet";
}
constexpr Mark other(Mark mark) {
  return mark == Mark::kConnection ? Mark::kPacket : Mark::kConnection;
}

struct MarkRule {
  Target target = Target::kConnmark;
  // MARK (revision 2) does to the packet's mark what a set operation of
  // CONNMARK does to the connection's, so its `op` is such an operation:
  // nf = (nf & ~ctmask) ^ ctmark, without a shift.
  Operation op = {};

  constexpr bool operator==(const MarkRule &) const = default;
};

// The mark that the rule writes.
constexpr Mark written_mark(const MarkRule &rule) {
  if (rule.target == Target::kMark) return Mark::kPacket;
  return rule.op.mode == Mode::kRestore ? Mark::kPacket : Mark::kConnection;
}

// What the kernel does with a packet of a tracked connection.
constexpr Marks apply(const MarkRule &rule, Marks marks) {
  if (rule.target == Target::kConnmark) return apply(rule.op, marks);
  return {.ct = marks.ct, .nf = apply(rule.op, Marks{.ct = marks.nf}).ct};
}

// As iptables-save writes it: "-j CONNMARK --set-xmark 0x1/0xff".
std::string saved_form(const MarkRule &rule);

// What the rule computes, with its numbers and nothing that they make
// superfluous: "ctmark = (ctmark & ~0xff) ^ 0x1".
std::string formula(const MarkRule &rule);

}  // namespace connmark
