// SPDX-License-Identifier: GPL-2.0-or-later
//
// A connection from packet to packet, as connection tracking carries it.
#pragma once

#include <cstdint>

#include "command/replay/interpreter.h"

namespace connmark {

struct Connection {
  Family family = Family::kIpv4;
  bool is_related = false;       // its first packets are RELATED, not NEW
  std::uint32_t first_mark = 0;  // of a RELATED one that of its master
  std::uint32_t mark = 0;
  bool is_confirmed = false;  // a packet has come through POSTROUTING or INPUT
  bool has_reply = false;     // connection tracking has seen a reply

  bool operator==(const Connection &) const = default;

  // The next packet.  A reply needs a confirmed connection: before, it would
  // start one of its own.
  Packet next_packet(Way way, bool is_reply) const;

  // What the packet has made of it.  A connection that is not confirmed is lost
  // with its packet, and the next packet starts anew.
  void carry_on(const Packet &packet, const Trace &trace);
};

}  // namespace connmark
