// SPDX-License-Identifier: GPL-2.0-or-later
//
// The algebra of marks: what one CONNMARK rule does to a connection's mark
// (ctmark) and to a packet's mark (nfmark).  Everything here is constexpr and
// needs neither the kernel nor libxtables.
#pragma once

#include <cstdint>

namespace connmark {

inline constexpr std::uint32_t kAllBits = 0xffffffff;

// The largest shift that the kernel accepts (connmark_tg_check in
// net/netfilter/xt_connmark.c answers EINVAL to more).
inline constexpr std::uint8_t kMaxShiftBits = 31;

// XT_CONNMARK_SET, _SAVE and _RESTORE of linux/netfilter/xt_connmark.h.  A rule
// read from the kernel can hold any byte; is_known() tells.
enum class Mode : std::uint8_t { kSet = 0, kSave = 1, kRestore = 2 };

constexpr bool is_known(Mode mode) { return mode <= Mode::kRestore; }

// D_SHIFT_LEFT and D_SHIFT_RIGHT of linux/netfilter/xt_connmark.h.  A rule read
// from the kernel can hold any byte; whatever is not kRight is left, as
// connmark_tg_shift in net/netfilter/xt_connmark.c reads it.
enum class Direction : std::uint8_t { kLeft = 0, kRight = 1 };

// A shift by `bits`, which is 0 to kMaxShiftBits in every rule that a current
// kernel accepts, and any byte in what an older one may hand back.
struct Shift {
  Direction direction = Direction::kLeft;
  std::uint8_t bits = 0;

  constexpr bool operator==(const Shift &) const = default;
};

// One rule's effect.  The words are the kernel's: ctmark is the value that a
// set operation XORs in, ctmask and nfmask select bits.  The defaults are what
// a rule starts from before its options are read.
struct Operation {
  Mode mode = Mode::kSet;
  std::uint32_t ctmark = 0;
  std::uint32_t ctmask = kAllBits;
  std::uint32_t nfmask = kAllBits;
  Shift shift = {};

  constexpr bool operator==(const Operation &) const = default;
};

// The two marks that a rule reads and writes.
struct Marks {
  std::uint32_t ct = 0;  // of the connection
  std::uint32_t nf = 0;  // of the packet

  constexpr bool operator==(const Marks &) const = default;
};

// Shifts `value`; bits that leave the 32 are lost.  A shift of 32 or more,
// which C leaves undefined and the kernel refuses, yields 0.
constexpr std::uint32_t shifted(std::uint32_t value, Shift shift) {
  if (shift.bits > kMaxShiftBits) return 0;
  return shift.direction == Direction::kRight ? value >> shift.bits : value << shift.bits;
}

// What the kernel does with a packet of a tracked connection: connmark_tg_shift
// in net/netfilter/xt_connmark.c.  An unknown mode changes nothing.
constexpr Marks apply(const Operation &op, Marks marks) {
  switch (op.mode) {
    case Mode::kSet:
      marks.ct = shifted((marks.ct & ~op.ctmask) ^ op.ctmark, op.shift);
      break;
    case Mode::kSave:
      marks.ct = (marks.ct & ~op.ctmask) ^ shifted(marks.nf & op.nfmask, op.shift);
      break;
    case Mode::kRestore:
      marks.nf = (marks.nf & ~op.nfmask) ^ shifted(marks.ct & op.ctmask, op.shift);
      break;
  }
  return marks;
}

// The same effect with one spelling: whatever the kernel does not read in this
// mode gets its default.  Programs compare rules byte by byte, so without this
// a rule is not found again after its text has been saved and restored.
constexpr Operation canonical(Operation op) {
  if (op.mode == Mode::kSet) op.nfmask = kAllBits;
  if (op.mode == Mode::kSave || op.mode == Mode::kRestore) op.ctmark = 0;
  if (op.shift.bits == 0 || op.shift.direction != Direction::kRight) {
    op.shift.direction = Direction::kLeft;
  }
  return op;
}

// The operations that a user can name.  --set-mark, --and-mark, --or-mark and
// --xor-mark are other spellings of --set-xmark VALUE/MASK, which is the form
// that iptables-save writes (iptables-extensions(8), CONNMARK).

constexpr Operation set_xmark(std::uint32_t value, std::uint32_t mask = kAllBits) {
  return {.mode = Mode::kSet, .ctmark = value, .ctmask = mask};
}

constexpr Operation set_mark(std::uint32_t value, std::uint32_t mask = kAllBits) {
  return set_xmark(value, value | mask);
}

constexpr Operation and_mark(std::uint32_t bits) { return set_xmark(0, ~bits); }

constexpr Operation or_mark(std::uint32_t bits) { return set_xmark(bits, bits); }

constexpr Operation xor_mark(std::uint32_t bits) { return set_xmark(bits, 0); }

constexpr Operation save_mark(std::uint32_t nfmask = kAllBits, std::uint32_t ctmask = kAllBits) {
  return {.mode = Mode::kSave, .ctmask = ctmask, .nfmask = nfmask};
}

constexpr Operation restore_mark(std::uint32_t nfmask = kAllBits, std::uint32_t ctmask = kAllBits) {
  return {.mode = Mode::kRestore, .ctmask = ctmask, .nfmask = nfmask};
}

constexpr Operation with_shift(Operation op, Direction direction, std::uint8_t bits) {
  op.shift = {direction, bits};
  return canonical(op);
}

namespace proof {

// Every operation works on each bit by itself, so a pattern that holds the
// combinations of (ct bit, nf bit, value bit, mask bit) stands for all values.
inline constexpr std::uint32_t kCt = 0xff00ff00;
inline constexpr std::uint32_t kNf = 0xffff0000;
inline constexpr std::uint32_t kValue = 0xf0f0f0f0;
inline constexpr std::uint32_t kMask = 0xcccccccc;
inline constexpr Marks kMarks{kCt, kNf};

static_assert(apply(set_xmark(kValue, kMask), kMarks) == Marks{(kCt & ~kMask) ^ kValue, kNf});
static_assert(apply(set_mark(kValue), kMarks) == Marks{kValue, kNf});
static_assert(apply(set_mark(kValue, kMask), kMarks) == Marks{(kCt & ~kMask) | kValue, kNf});
static_assert(apply(and_mark(kValue), kMarks) == Marks{kCt & kValue, kNf});
static_assert(apply(or_mark(kValue), kMarks) == Marks{kCt | kValue, kNf});
static_assert(apply(xor_mark(kValue), kMarks) == Marks{kCt ^ kValue, kNf});
static_assert(apply(save_mark(), kMarks) == Marks{kNf, kNf});
static_assert(apply(restore_mark(), kMarks) == Marks{kCt, kCt});
static_assert(apply(save_mark(kMask, kMask), kMarks) == Marks{(kCt & ~kMask) | (kNf & kMask), kNf});
static_assert(apply(restore_mark(kMask, kMask), kMarks) ==
              Marks{kCt, (kNf & ~kMask) | (kCt & kMask)});
static_assert(apply(with_shift(set_mark(0x81), Direction::kLeft, 31), kMarks).ct == 0x80000000);
static_assert(apply(with_shift(set_mark(0x81), Direction::kRight, 7), kMarks).ct == 0x1);

}  // namespace proof
}  // namespace connmark
