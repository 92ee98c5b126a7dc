// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/ways.h"

#include <algorithm>
#include <map>

namespace connmark {
namespace {

class Stops {
 public:
  Stops(const Ruleset &ruleset, Family family) : ruleset_(ruleset), family_(family) {}

  void pass(Hook hook, bool tracks) {
    std::map<int, std::vector<ChainsInOrder>> by_priority;
    std::map<int, std::vector<ChainIndex>> nat;
    for (ChainIndex i = 0; i < ruleset_.chains.size(); ++i) {
      const Chain &chain = ruleset_.chains[i];
      if (chain.hook != hook || !sees(chain.family)) continue;
      if (chain.is_nat) {
        nat[chain.priority].push_back(i);
      } else {
        add(by_priority[chain.priority], i);
      }
    }
    if (!nat.empty()) {
      const bool is_destination = hook == Hook::kPrerouting || hook == Hook::kOutput;
      auto &same = by_priority[is_destination ? kDestinationNatPriority : kSourceNatPriority];
      ChainsInOrder &all = same.emplace_back();
      for (auto &[priority, chains] : nat) all.push_back(std::move(chains));
    }
    bool is_tracked = !tracks;
    for (auto &[priority, chains] : by_priority) {
      if (!is_tracked && priority >= kConntrackPriority) track(is_tracked);
      next_stage(hook, priority);
      Stop stop = here(Stop::Kind::kChains, hook);
      stop.chains = std::move(chains);
      stops_.push_back(std::move(stop));
    }
    if (!is_tracked) track(is_tracked);
    next_stage(hook, kSourceNatPriority + 1);
  }

  void confirm() { stops_.push_back(here(Stop::Kind::kConfirm, Hook::kPostrouting)); }
  void route() { stops_.push_back(here(Stop::Kind::kRouting, Hook::kPrerouting)); }
  void has_interfaces(bool in, bool out) {
    has_in_ = in;
    has_out_ = out;
  }
  std::vector<Stop> take() { return std::move(stops_); }

 private:
  bool sees(Family family) const {
    return family == family_ || family == Family::kInet || family == Family::kNetdev;
  }

  // Files with parts of the same table of iptables are as loaded one after the other.
  bool continues(ChainIndex index, ChainIndex earlier) const {
    const Chain &chain = ruleset_.chains[index];
    const Chain &other = ruleset_.chains[earlier];
    return chain.input != other.input && !ruleset_.inputs[chain.input].is_nft &&
           !ruleset_.inputs[other.input].is_nft && chain.table == other.table &&
           chain.name == other.name;
  }

  void add(std::vector<ChainsInOrder> &same_priority, ChainIndex chain) const {
    for (ChainsInOrder &each : same_priority) {
      if (!continues(chain, each.back().front())) continue;
      each.push_back({chain});
      return;
    }
    same_priority.push_back({{chain}});
  }

  Stop here(Stop::Kind kind, Hook hook) const {
    return {kind, {}, hook, has_in_, has_out_, stage_};
  }

  void track(bool &is_tracked) {
    stops_.push_back(here(Stop::Kind::kConntrack, Hook::kPrerouting));
    is_tracked = true;
  }

  void next_stage(Hook hook, int priority) {
    const bool is_before_routing = hook == Hook::kPrerouting || hook == Hook::kOutput;
    const bool is_behind = hook == Hook::kPostrouting || hook == Hook::kInput;
    if (is_before_routing && priority > kDestinationNatPriority && stage_ == NatStage::kBefore) {
      stage_ = NatStage::kBetween;
    }
    if (is_behind && priority > kSourceNatPriority) stage_ = NatStage::kBehind;
  }

  const Ruleset &ruleset_;
  const Family family_;
  bool has_in_ = false;
  bool has_out_ = false;
  NatStage stage_ = NatStage::kBefore;
  std::vector<Stop> stops_;
};

}  // namespace

std::vector<Stop> stops_of(const Ruleset &ruleset, Family family, Way way) {
  Stops stops(ruleset, family);
  const bool is_sent_here = way == Way::kSent || way == Way::kLooped;
  if (is_sent_here) {
    stops.has_interfaces(false, true);
    stops.route();
    stops.pass(Hook::kOutput, true);
    stops.pass(Hook::kPostrouting, false);
    stops.confirm();
    stops.pass(Hook::kEgress, false);
  }
  if (way == Way::kSent) return stops.take();
  stops.has_interfaces(true, false);
  stops.pass(Hook::kIngress, false);
  stops.pass(Hook::kPrerouting, !is_sent_here);
  if (way == Way::kLooped) {
    // The packet keeps the route that it was sent by.
    stops.pass(Hook::kInput, false);
    return stops.take();
  }
  stops.route();
  if (way == Way::kReceived) {
    stops.pass(Hook::kInput, false);
    stops.confirm();
    return stops.take();
  }
  stops.has_interfaces(true, true);
  stops.pass(Hook::kForward, false);
  stops.has_interfaces(false, true);
  stops.pass(Hook::kPostrouting, false);
  stops.confirm();
  stops.pass(Hook::kEgress, false);
  return stops.take();
}

std::vector<ChainIndex> chains_in(const std::vector<ChainsInOrder> &chains) {
  std::vector<ChainIndex> all;
  for (const ChainsInOrder &each : chains) {
    for (const auto &group : each) all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

Unordered unordered_chains(const std::vector<Stop> &stops) {
  Unordered unordered;
  for (const Stop &stop : stops) {
    if (stop.chains.size() > 1) unordered.emplace(chains_in(stop.chains), stop.chains.size());
    for (const ChainsInOrder &each : stop.chains) {
      for (const auto &group : each) {
        if (group.size() > 1) unordered.emplace(group, group.size());
      }
    }
  }
  return unordered;
}

}  // namespace connmark
