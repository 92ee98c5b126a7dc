// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/replay/connection.h"

namespace connmark {

Packet Connection::next_packet(Way way, bool is_reply) const {
  Packet packet;
  packet.family = family;
  packet.way = way;
  packet.is_reply = is_reply;
  packet.state = is_reply || has_reply ? kStateEstablished : is_related ? kStateRelated : kStateNew;
  packet.connection_is_confirmed = is_confirmed;
  return packet;
}

void Connection::carry_on(const Packet &packet, const Trace &trace) {
  if (!trace.was_tracked) return;
  is_confirmed = trace.connection_is_confirmed;
  has_reply = is_confirmed && (has_reply || packet.is_reply);
  mark = is_confirmed ? trace.marks.ct : first_mark;
}

}  // namespace connmark
