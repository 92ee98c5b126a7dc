// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/connections/flow_counts.h"

#include <algorithm>
#include <cstdio>

namespace connmark {
namespace {

void add(FlowCount &sum, const FlowCount &count) {
  sum.connections += count.connections;
  sum.packets += count.packets;
  sum.bytes += count.bytes;
  sum.counted += count.counted;
}

// By the name that is shown.
std::map<std::string, FlowCount> by_owner(const FlowCounts &counts,
                                          const std::vector<Owner> &owners) {
  std::map<std::string, FlowCount> result;
  for (const auto &[mark, count] : counts.by_mark()) {
    for (const OwnedBits &owned : owners_of(mark, owners)) {
      add(result[owned.name + (owned.certain ? "" : "?")], count);
    }
  }
  return result;
}

std::uint32_t bits_of_nobody(std::uint32_t mark, const std::vector<OwnedBits> &owned) {
  for (const OwnedBits &each : owned) mark &= ~each.bits;
  return mark;
}

std::string row(const FlowCount &count, const std::string &what) {
  const std::string bytes = count.counted == 0 ? "-" : std::to_string(count.bytes);
  char columns[64];
  std::snprintf(columns, sizeof columns, "%11llu  %14s  ",
                static_cast<unsigned long long>(count.connections), bytes.c_str());
  return columns + what + "\n";
}

Json count_json(const FlowCount &count) {
  Json json{{"connections", count.connections}, {"packets", nullptr}, {"bytes", nullptr}};
  if (count.counted != 0) {
    json["packets"] = count.packets;
    json["bytes"] = count.bytes;
  }
  return json;
}

using MarkCount = std::pair<std::uint32_t, FlowCount>;

std::vector<MarkCount> most_frequent_first(const FlowCounts &counts) {
  std::vector<MarkCount> marks(counts.by_mark().begin(), counts.by_mark().end());
  std::stable_sort(marks.begin(), marks.end(), [](const MarkCount &left, const MarkCount &right) {
    return left.second.connections > right.second.connections;
  });
  return marks;
}

}  // namespace

void FlowCounts::add(const Flow &flow) {
  FlowCount one{.connections = 1};
  if (flow.traffic) {
    one.packets = flow.traffic->packets;
    one.bytes = flow.traffic->bytes;
    one.counted = 1;
  }
  connmark::add(by_mark_[flow.mark], one);
}

std::string owners_text(std::uint32_t mark, const std::vector<Owner> &owners) {
  if (mark == 0) return "-";
  const std::vector<OwnedBits> owned = owners_of(mark, owners);
  std::string text;
  for (const OwnedBits &each : owned) {
    if (!text.empty()) text += ", ";
    text += each.name + (each.certain ? " " : "? ") + hex(each.bits);
  }
  if (const std::uint32_t left = bits_of_nobody(mark, owned); left != 0) {
    if (!text.empty()) text += ", ";
    text += "nobody " + hex(left);
  }
  return text;
}

Json owners_json(std::uint32_t mark, const std::vector<Owner> &owners) {
  Json json = Json::array();
  for (const OwnedBits &each : owners_of(mark, owners)) {
    json.push_back({{"name", each.name}, {"bits", each.bits}, {"certain", each.certain}});
  }
  return json;
}

std::string flow_counts_text(const FlowCounts &counts, const std::vector<Owner> &owners) {
  if (counts.by_mark().empty()) return "no connections\n";
  std::string text = "connections           bytes  mark        owner's bits\n";
  for (const auto &[mark, count] : most_frequent_first(counts)) {
    std::string column = hex(mark);
    column.resize(12, ' ');
    text += row(count, column + owners_text(mark, owners));
  }
  const auto owner_counts = by_owner(counts, owners);
  if (owner_counts.empty()) return text;
  text += "\nconnections           bytes  owner\n";
  for (const auto &[name, count] : owner_counts) text += row(count, name);
  return text;
}

Json flow_counts_json(const FlowCounts &counts, const std::vector<Owner> &owners, bool accounting) {
  Json json = json_document("flows");
  json["accounting"] = accounting;
  json["marks"] = Json::array();
  FlowCount total;
  for (const auto &[mark, count] : most_frequent_first(counts)) {
    Json entry{{"mark", mark}};
    entry.update(count_json(count));
    entry["owners"] = owners_json(mark, owners);
    entry["nobodys_bits"] = bits_of_nobody(mark, owners_of(mark, owners));
    json["marks"].push_back(std::move(entry));
    add(total, count);
  }
  json["owners"] = Json::array();
  for (const auto &[name, count] : by_owner(counts, owners)) {
    Json entry{{"name", name}};
    entry.update(count_json(count));
    json["owners"].push_back(std::move(entry));
  }
  json["total"] = count_json(total);
  return json;
}

}  // namespace connmark
