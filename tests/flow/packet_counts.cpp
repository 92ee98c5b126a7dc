// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow/packet_counts.h"

#include <nlohmann/json.hpp>

#include "support/command.h"

namespace connmark::test {

std::string differences(const Counts &counts, const Counts &other) {
  std::string text;
  for (const auto &[key, count] : counts.by_rule) {
    const auto found = other.by_rule.find(key);
    if (found != other.by_rule.end() && found->second == count) continue;
    text += "  " + std::get<0>(key) + " " + std::get<1>(key) + " rule " +
            std::to_string(std::get<2>(key)) + ": " + std::to_string(count) + "\n";
  }
  for (const auto &[key, count] : counts.by_probe) {
    const auto found = other.by_probe.find(key);
    if (found != other.by_probe.end() && found->second == count) continue;
    text += "  " + std::get<0>(key) + " packet " + std::to_string(std::get<1>(key)) +
            " connection " + std::to_string(std::get<2>(key)) + ": " + std::to_string(count) + "\n";
  }
  return text;
}

namespace {

std::tuple<std::string, std::string, std::size_t> key(const Chain &chain, std::size_t number) {
  return {chain.table, chain.name, number};
}

}  // namespace

ReplayedCounts::ReplayedCounts(const Ruleset &ruleset)
    : ruleset_(ruleset), numbers_(ruleset.rules.size()) {
  std::map<ChainIndex, std::size_t> next;
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    numbers_[i] = next[ruleset.rules[i].chain]++;
    const Chain &chain = ruleset.chains[ruleset.rules[i].chain];
    if (chain.table != "probe") counts.by_rule[key(chain, numbers_[i])] = 0;
  }
}

void ReplayedCounts::add(const Trace &trace) {
  for (const Step &step : trace.steps) {
    if (!step.matched) continue;
    const Chain &chain = ruleset_.chains[ruleset_.rules[step.rule].chain];
    const std::size_t number = numbers_[step.rule];
    if (chain.table != "probe") {
      ++counts.by_rule[key(chain, number)];
    } else if (number == 0) {
      ++counts.by_probe[{chain.name + "_both", step.marks.nf, step.marks.ct}];
    } else {
      ++counts.by_probe[{chain.name + "_one", step.marks.nf, 0}];
    }
  }
}

void add_saved_rules(const std::string &saved, Counts &counts) {
  std::string table;
  std::map<std::string, std::size_t> next;
  for (const std::string &line : lines(saved)) {
    if (line.starts_with("*")) {
      table = line.substr(1);
      next.clear();
    }
    if (!line.starts_with("[")) continue;
    const std::vector<std::string> all = words(line);
    counts.by_rule[{table, all.at(2), next[all.at(2)]++}] = std::stoull(line.substr(1));
  }
}

void add_nft_table(const std::string &json, Counts &counts) {
  std::map<std::string, std::size_t> next;
  const nlohmann::json all = nlohmann::json::parse(json);
  for (const auto &each : all.at("nftables")) {
    if (each.contains("rule") && each["rule"]["table"] == "played") {
      const std::string chain = each["rule"]["chain"];
      for (const auto &expression : each["rule"]["expr"]) {
        if (!expression.contains("counter")) continue;
        counts.by_rule[{"played", chain, next[chain]++}] = expression["counter"]["packets"];
      }
    }
    if (!each.contains("set") || !each["set"].contains("elem")) continue;
    const std::string name = each["set"]["name"];
    for (const auto &element : each["set"]["elem"]) {
      const auto &value = element.at("elem").at("val");
      const bool is_pair = value.is_object();
      const std::uint32_t packet = is_pair ? value.at("concat").at(0) : value;
      const std::uint32_t connection = is_pair ? value.at("concat").at(1).get<std::uint32_t>() : 0;
      counts.by_probe[{name, packet, connection}] = element.at("elem").at("counter").at("packets");
    }
  }
}

}  // namespace connmark::test
