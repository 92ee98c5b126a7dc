// SPDX-License-Identifier: GPL-2.0-or-later
//
// From CONNMARK's arithmetic to nft's.
//
// CONNMARK masks a mark, shifts it, and XORs it into another masked mark, or
// into a constant.  nft writes the same with infix operators, but `<<` and `>>`
// bind tighter than `and`, `and` tighter than `xor`, `xor` tighter than `or`,
// and parentheses around a shifted constant or a whole right side are refused
// by some releases.  Every operation therefore becomes a sum of terms
//
//     mark << n and MASK
//
// in which the shift comes first and the mask has been shifted along with it:
// (x & m) << n is x << n and (m << n).  Two terms, or a term and a constant,
// are joined by `xor`, or by `or` where they have no bit in common, which is
// how a person would write it.  Constants are folded, and a mask that removes
// nothing is left out.
//
// For a packet without a connection CONNMARK does nothing.  nft ends a rule that
// reads such a packet's `ct mark`, and does nothing where it is to write it; only
// a restore that copies nothing has to look whether there is a connection.
#include "connmark/translate.h"

namespace connmark {
namespace {

using namespace std::string_view_literals;

// One mark of the right side: `name` shifted, then masked.
struct Term {
  std::string_view name;
  Shift shift;
  std::uint32_t mask;  // after the shift

  // The bits that can be set after the shift alone.
  constexpr std::uint32_t reach() const { return shifted(kAllBits, shift); }
  constexpr bool is_zero() const { return mask == 0; }
};

constexpr Term term(std::string_view name, std::uint32_t mask, Shift shift = {}) {
  return {name, shift, shifted(mask, shift)};
}

void add_unmasked(TextBuffer &text, const Term &term) {
  text.add(term.name);
  if (term.shift.bits != 0) {
    text.add(term.shift.direction == Direction::kRight ? " >> " : " << ");
    text.add_decimal(term.shift.bits);
  }
}

void add_term(TextBuffer &text, const Term &term) {
  add_unmasked(text, term);
  if (term.mask != term.reach()) text.add(" and ").add_hex(term.mask);
}

std::string_view joined(std::uint32_t left, std::uint32_t right) {
  return (left & right) == 0 ? " or "sv : " xor "sv;
}

void add_with_constant(TextBuffer &text, const Term &term, std::uint32_t constant) {
  if (term.is_zero()) {
    text.add_hex(constant);
    return;
  }
  const bool disjoint = (term.mask & constant) == 0;
  const std::uint32_t removed = term.reach() & ~term.mask;
  if (disjoint && constant != 0 && (removed & ~constant) == 0) {
    // Everything that the mask would clear is set by the `or`.
    add_unmasked(text, term);
  } else {
    add_term(text, term);
  }
  if (constant != 0) text.add(joined(term.mask, constant)).add_hex(constant);
}

void add_sum(TextBuffer &text, const Term &kept, const Term &copied) {
  add_term(text, kept);
  text.add(joined(kept.mask, copied.mask));
  add_term(text, copied);
}

void add_set(TextBuffer &text, const Operation &op) {
  if (op == set_xmark(0, 0)) {
    // Nothing to do; these words are what iptables has always written for it.
    text.add("ct mark and ").add_hex(kAllBits);
    return;
  }
  add_with_constant(text, term("ct mark", ~op.ctmask, op.shift), shifted(op.ctmark, op.shift));
}

// The packet's mark is `mark` where it stands alone, as in iptables' plain
// statements, and has its full name next to a second mark.
void add_copy(TextBuffer &text, const Operation &op) {
  const bool save = op.mode == Mode::kSave;
  Term kept = save ? term("ct mark", ~op.ctmask) : term("meta mark", ~op.nfmask);
  Term copied =
      save ? term("meta mark", op.nfmask, op.shift) : term("ct mark", op.ctmask, op.shift);
  if (!kept.is_zero() && !copied.is_zero()) {
    add_sum(text, kept, copied);
    return;
  }
  Term &packet = save ? copied : kept;
  packet.name = "mark";
  add_with_constant(text, copied.is_zero() ? kept : copied, 0);
}

}  // namespace

bool translate(const Operation &op, TextBuffer &text) {
  if (!is_known(op.mode) || op.shift.bits > kMaxShiftBits) return false;
  if (op.mode == Mode::kRestore && op.nfmask != 0 && shifted(op.ctmask, op.shift) == 0) {
    text.add(kNftIfConnection);
  }
  text.add(op.mode == Mode::kRestore ? "meta mark set "sv : "ct mark set "sv);
  if (op.mode == Mode::kSet) {
    add_set(text, canonical(op));
  } else {
    add_copy(text, op);
  }
  return true;
}

}  // namespace connmark
