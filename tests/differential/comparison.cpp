// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/comparison.h"

#include "differential/nft_statement.h"

namespace connmark::test {

std::string_view name_of(Aspect aspect) {
  switch (aspect) {
    case Aspect::kOutcome:
      return "outcome";
    case Aspect::kBytes:
      return "bytes";
    case Aspect::kStderr:
      return "stderr";
    case Aspect::kSaved:
      return "saved text";
    case Aspect::kListed:
      return "listed text";
    case Aspect::kTranslation:
      return "translation";
    case Aspect::kHelp:
      return "help";
    case Aspect::kWholeAnswer:
      return "whole answer";
  }
  return "";
}

bool Comparison::stock_reads_behind_its_array() const {
  if (request.verb != "bytes") return false;
  const KernelRule rule = stock_rule();
  return rule.has_known_mode() && rule.shift_bits != 0 && rule.shift_dir > 1;
}

bool Comparison::differs_in(Aspect aspect) const {
  switch (aspect) {
    case Aspect::kOutcome:
      return stock.outcome != ours.outcome;
    case Aspect::kBytes:
      return stock.bytes != ours.bytes;
    case Aspect::kStderr:
      return stock.err != ours.err;
    case Aspect::kSaved:
    case Aspect::kHelp:
      return stock.saved != ours.saved;
    case Aspect::kListed:
      return stock.listed != ours.listed;
    case Aspect::kTranslation:
      // A text begun and then declined is never shown.
      return stock.translates != ours.translates ||
             (ours.translates != "0" && stock.translation != ours.translation);
    case Aspect::kWholeAnswer:
      return stock.outcome != ours.outcome || stock.saved != ours.saved ||
             stock.listed != ours.listed || differs_in(Aspect::kTranslation);
  }
  return false;
}

bool is_exact(const Answer &answer, const KernelRule &rule) {
  if (answer.translates != "1") return false;
  const auto statement = NftStatement::parse(answer.translation);
  return statement && statement->does_the_same_as(rule);
}

bool is_translatable(const KernelRule &rule) {
  return rule.has_known_mode() && rule.shift_bits < 32;
}

}  // namespace connmark::test
