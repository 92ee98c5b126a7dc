// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "connmark/operation.h"
#include "connmark/text_buffer.h"

namespace connmark {

// Matches the packets that have a connection, in every nft: untracked and invalid
// packets, and those that the kernel never tracks, have none.
inline constexpr std::string_view kNftIfConnection = "ct state established,related,new ";

// Writes the nft statement that does what `op` does, for every connection and
// packet mark, and for packets without a connection, to the empty `text`: behind
// kNftIfConnection where it would else change such a packet.  Returns false and writes nothing
// where there is none: an unknown mode, or a shift of 32 or more.
//
// A statement with one mark on its right side loads in every nft that has
// iptables-translate's syntax.  One with both marks is written only where the
// operation depends on both, and needs nft 1.1.2 and Linux 6.13; older nft
// refuses it ("Right hand side of binary operation ... must be constant").
//
// Where the plain statement of the iptables plugin is exact, the text is the
// same byte for byte, since other programs' expected outputs contain it.
bool translate(const Operation &op, TextBuffer &text);

}  // namespace connmark
