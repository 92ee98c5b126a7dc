// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "command/connections/conntrack.h"
#include "command/output/json_document.h"
#include "command/owners/owners.h"

namespace connmark {

struct FlowCount {
  std::uint64_t connections = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t counted = 0;  // connections that had packets and bytes
};

// How many connections carry which mark.  Holds one entry for each mark, so a
// million connections take no more memory than their marks.
class FlowCounts {
 public:
  void add(const Flow &flow);
  const std::map<std::uint32_t, FlowCount> &by_mark() const { return by_mark_; }

 private:
  std::map<std::uint32_t, FlowCount> by_mark_;
};

// A table of the marks, the most frequent first, and one of their owners.
std::string flow_counts_text(const FlowCounts &counts, const std::vector<Owner> &owners);
Json flow_counts_json(const FlowCounts &counts, const std::vector<Owner> &owners, bool accounting);

// "Tailscale 0x40000, Calico? 0x40000, nobody 0x1", or "-" for mark 0.
std::string owners_text(std::uint32_t mark, const std::vector<Owner> &owners);
Json owners_json(std::uint32_t mark, const std::vector<Owner> &owners);

}  // namespace connmark
