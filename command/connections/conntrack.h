// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel's connections, over ctnetlink (nfnetlink_conntrack.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "command/output/number_text.h"

struct mnl_socket;

namespace connmark {

// Of both directions.
struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

struct Flow {
  std::uint32_t mark = 0;
  std::uint8_t protocol = 0;
  // Of the first packet: "10.0.0.1", and 0 for a protocol without ports.
  std::string source;
  std::string destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::optional<Traffic> traffic;  // nothing where accounting is off
};

enum class FlowChange { kNew, kUpdated, kEnded };

// A connection to the kernel.  All of it takes CAP_NET_ADMIN in the user
// namespace of the network; without it, and on any other failure, a Refusal.
class Conntrack {
 public:
  Conntrack();

  // Calls `visit` once for each connection, of all address families, whose mark
  // is `filter->value` in the bits of `filter->mask`.  Nothing is kept.
  // With `with_addresses` false, only mark and traffic are filled in.
  void each_flow(const std::optional<MarkAndMask> &filter, bool with_addresses,
                 const std::function<void(const Flow &)> &visit);

  // Calls `visit` for each event from now on, until it returns false.  `lost` is
  // called when the kernel had more events than the socket had room for.
  void watch(const std::optional<MarkAndMask> &filter,
             const std::function<bool(FlowChange, const Flow &)> &visit,
             const std::function<void()> &lost);

 private:
  std::unique_ptr<mnl_socket, int (*)(mnl_socket *)> socket_;
};

// Whether the kernel counts packets and bytes in this network.
bool accounting_is_on();

}  // namespace connmark
