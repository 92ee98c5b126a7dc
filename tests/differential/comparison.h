// SPDX-License-Identifier: GPL-2.0-or-later
//
// One request, answered by both plugins.
#pragma once

#include <string>
#include <string_view>

#include "differential/kernel_rule.h"
#include "differential/session.h"

namespace connmark::test {

// What is compared.  kWholeAnswer is everything at once, for the rules over
// which the stock plugin reads what lies behind an array of its own.
enum class Aspect { kOutcome, kBytes, kStderr, kSaved, kListed, kTranslation, kHelp, kWholeAnswer };

std::string_view name_of(Aspect aspect);

struct Comparison {
  int revision;
  const Request &request;
  const Answer &stock;
  const Answer &ours;
  // Stock's answer to the next request: for kWholeAnswer the same rule with
  // shift_dir 0.
  const Answer *stock_next;

  KernelRule stock_rule() const { return read_kernel_rule(revision, stock.bytes); }
  KernelRule our_rule() const { return read_kernel_rule(revision, ours.bytes); }

  // The name of shift_dir is looked up wherever there is a shift to name.
  bool stock_reads_behind_its_array() const;

  bool differs_in(Aspect aspect) const;
};

// Whether nft does with `answer`'s translation what the kernel does with `rule`.
bool is_exact(const Answer &answer, const KernelRule &rule);

// Whether every rule of this kind has an exact nft statement.
bool is_translatable(const KernelRule &rule);

}  // namespace connmark::test
