// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 16 bytes that libxtables and the kernel exchange for one CONNMARK rule.
// This is the only header that knows the two layouts.
#pragma once

#include <linux/netfilter/xt_connmark.h>

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "connmark/operation.h"

namespace connmark {

// Revision 1 (Linux 2.6.24) has no shift, revision 2 (Linux 4.17) has one.
// Revision 0 left the kernel in 2010 and is not supported.
enum class Revision : std::uint8_t { k1 = 1, k2 = 2 };

inline constexpr std::size_t kWireSize = 16;

namespace wire {

template <Revision revision>
using Layout =
    std::conditional_t<revision == Revision::k1, xt_connmark_tginfo1, xt_connmark_tginfo2>;

static_assert(sizeof(xt_connmark_tginfo1) == kWireSize);
static_assert(offsetof(xt_connmark_tginfo1, ctmark) == 0);
static_assert(offsetof(xt_connmark_tginfo1, ctmask) == 4);
static_assert(offsetof(xt_connmark_tginfo1, nfmask) == 8);
static_assert(offsetof(xt_connmark_tginfo1, mode) == 12);

static_assert(sizeof(xt_connmark_tginfo2) == kWireSize);
static_assert(offsetof(xt_connmark_tginfo2, ctmark) == 0);
static_assert(offsetof(xt_connmark_tginfo2, ctmask) == 4);
static_assert(offsetof(xt_connmark_tginfo2, nfmask) == 8);
static_assert(offsetof(xt_connmark_tginfo2, shift_dir) == 12);
static_assert(offsetof(xt_connmark_tginfo2, shift_bits) == 13);
static_assert(offsetof(xt_connmark_tginfo2, mode) == 14);

static_assert(XT_CONNMARK_SET == static_cast<int>(Mode::kSet));
static_assert(XT_CONNMARK_SAVE == static_cast<int>(Mode::kSave));
static_assert(XT_CONNMARK_RESTORE == static_cast<int>(Mode::kRestore));
static_assert(D_SHIFT_LEFT == static_cast<int>(Direction::kLeft));
static_assert(D_SHIFT_RIGHT == static_cast<int>(Direction::kRight));

}  // namespace wire

// Reads kWireSize bytes at `bytes`, which need no alignment.  Every content is
// accepted and stays as it is: an unknown mode or direction, and a shift of 32 or
// more.  Padding is not looked at.
template <Revision revision>
Operation decode(const void *bytes) {
  using Layout = wire::Layout<revision>;
  const auto load = [bytes](std::size_t offset, auto &field) {
    std::memcpy(&field, static_cast<const std::byte *>(bytes) + offset, sizeof field);
  };
  Operation op;
  load(offsetof(Layout, ctmark), op.ctmark);
  load(offsetof(Layout, ctmask), op.ctmask);
  load(offsetof(Layout, nfmask), op.nfmask);
  load(offsetof(Layout, mode), op.mode);
  if constexpr (revision == Revision::k2) {
    load(offsetof(Layout, shift_dir), op.shift.direction);
    load(offsetof(Layout, shift_bits), op.shift.bits);
  }
  return op;
}

// Writes `op` to the kWireSize bytes at `bytes`, which need no alignment: what
// decode has read of them is written back as it was.  The padding keeps its content: libxtables
// hands out zeroed memory, and iptables-nft compares all 16 bytes in -C and -D.  Revision 1 has no
// room for a shift; its option table offers none.
template <Revision revision>
void encode(const Operation &op, void *bytes) {
  using Layout = wire::Layout<revision>;
  const auto store = [bytes](std::size_t offset, auto field) {
    std::memcpy(static_cast<std::byte *>(bytes) + offset, &field, sizeof field);
  };
  store(offsetof(Layout, ctmark), op.ctmark);
  store(offsetof(Layout, ctmask), op.ctmask);
  store(offsetof(Layout, nfmask), op.nfmask);
  store(offsetof(Layout, mode), op.mode);
  if constexpr (revision == Revision::k2) {
    store(offsetof(Layout, shift_dir), op.shift.direction);
    store(offsetof(Layout, shift_bits), op.shift.bits);
  }
}

// The same where the revision is an argument.

inline Operation decode(Revision revision, const void *bytes) {
  return revision == Revision::k1 ? decode<Revision::k1>(bytes) : decode<Revision::k2>(bytes);
}

inline void encode(Revision revision, const Operation &op, void *bytes) {
  if (revision == Revision::k1) {
    encode<Revision::k1>(op, bytes);
  } else {
    encode<Revision::k2>(op, bytes);
  }
}

}  // namespace connmark
