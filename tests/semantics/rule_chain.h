// SPDX-License-Identifier: GPL-2.0-or-later
//
// Thousands of cases, decided by one packet: for each case a chain in mangle
// OUTPUT sets both marks, applies the rule under test, and has a rule that
// counts the packet if both marks are then as predicted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "semantics/front_end.h"
#include "semantics/mark_cases.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {

// A chain that is being filled.  Whatever cannot be done is a std::runtime_error
// that says what the program answered.
class RuleChain {
 public:
  RuleChain(Family family, std::size_t rules_per_load)
      : family_(family), rules_per_load_(rules_per_load) {}
  virtual ~RuleChain() = default;

  Family family() const { return family_; }

  // What the chain's packet is; to be said before start().
  Tracking tracking() const { return tracking_; }
  void use(Tracking tracking) { tracking_ = tracking; }
  bool has_connection() const { return tracking_ == Tracking::kTracked; }

  // Enters a fresh private network in which the chain is there, and empty.
  void start();

  // The text of a rule that ...
  virtual std::string set_marks(Marks marks) const = 0;
  virtual std::string apply(const Operation &op) const = 0;
  // counts packets whose marks are `value` in the bits of `mask`; without a
  // connection, packets that have none, and whose own mark is such.
  virtual std::string count(Marks value, Marks mask) const = 0;

  // Adds rules behind those that are there.
  void append(const std::vector<std::string> &rules);

  // To be called behind the last rule and before the packet.
  virtual void complete() {}

  // What the rules made by count() have counted, in their order.
  virtual std::vector<std::uint64_t> counts() const = 0;

 private:
  virtual void create() = 0;
  virtual void load(const std::vector<std::string> &rules) = 0;

  Family family_;
  Tracking tracking_ = Tracking::kTracked;
  std::size_t rules_per_load_;
};

// The rules are iptables'.
class XtChain : public RuleChain {
 public:
  explicit XtChain(const FrontEnd &front_end);

  std::string set_marks(Marks marks) const override;
  std::string apply(const Operation &op) const override;
  std::string count(Marks value, Marks mask) const override;
  std::vector<std::uint64_t> counts() const override;

 private:
  void create() override;
  void load(const std::vector<std::string> &rules) override;

  FrontEnd front_end_;
};

// The rules are nft's, and those under test translations.
class NftChain : public RuleChain {
 public:
  // `nft` is the command; `statements` has the options of each operation that
  // apply() is called with, as options_for() writes them.
  NftChain(Family family, std::vector<std::string> nft,
           std::map<std::string, std::string> statements);

  std::string set_marks(Marks marks) const override;
  std::string apply(const Operation &op) const override;
  std::string count(Marks value, Marks mask) const override;
  std::vector<std::uint64_t> counts() const override;

 private:
  void create() override;
  void load(const std::vector<std::string> &rules) override;

  std::vector<std::string> nft_;
  std::map<std::string, std::string> statements_;
};

// The rules of some cases, to be appended to a chain.
std::vector<std::string> rules_of(const RuleChain &chain, const std::vector<MarkCase> &cases);

// Sends one packet through `chain`, filled with the rules of `cases`; for each
// case how often its prediction was found right, which is once or never.
std::vector<std::uint64_t> decide(RuleChain &chain, const std::vector<MarkCase> &cases);

// Whether the one packet is counted in every case.  If not: in how many it is
// not, and for the first few the rule, the marks before it, those that were
// expected, and those that were found instead.
testing::AssertionResult all_predictions_hold(RuleChain &chain, const std::vector<MarkCase> &cases);

// Runs a program that must succeed, else throws what it said; its output.
std::string output_of(const std::vector<std::string> &argv, std::string_view input = {});

// What rules that do nothing but count have counted, in a listing of nft.
std::vector<std::uint64_t> nft_counts(std::string_view listing);

}  // namespace connmark::test
