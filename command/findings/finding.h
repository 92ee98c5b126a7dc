// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the audit has to say, and where it is collected.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/findings/pair_verdicts.h"
#include "command/marks/write_bits.h"
#include "command/owners/rule_owners.h"
#include "command/rule_set/chain_paths.h"
#include "command/rule_set/mark_uses.h"

namespace connmark {

enum class FindingId : std::uint8_t {
  kUnmaskedSave,
  kUnmaskedRestore,
  kUnmaskedSet,
  kSharedBits,
  kImpossibleMatch,
  kConnmarkInRaw,
  kTooLateForRouting,
  kRestoreWipes,
  kStrictRpFilter,
  kShiftLosesBits,
  kNeverWritten,
  kNeverRead,
  kStockTranslation,
  kUnknownRule,
};

enum class Severity : std::uint8_t { kProblem, kHint };

struct FindingName {
  FindingId id;
  const char *name;
};

// Each finding of connmark(8), in the order in which they are printed.
inline constexpr std::array kFindingNames{
    FindingName{FindingId::kUnmaskedSave, "unmasked-save"},
    FindingName{FindingId::kUnmaskedRestore, "unmasked-restore"},
    FindingName{FindingId::kUnmaskedSet, "unmasked-set"},
    FindingName{FindingId::kSharedBits, "shared-bits"},
    FindingName{FindingId::kRestoreWipes, "restore-wipes"},
    FindingName{FindingId::kTooLateForRouting, "too-late-for-routing"},
    FindingName{FindingId::kStrictRpFilter, "strict-rp-filter"},
    FindingName{FindingId::kConnmarkInRaw, "connmark-in-raw"},
    FindingName{FindingId::kImpossibleMatch, "impossible-match"},
    FindingName{FindingId::kShiftLosesBits, "shift-loses-bits"},
    FindingName{FindingId::kNeverWritten, "never-written"},
    FindingName{FindingId::kNeverRead, "never-read"},
    FindingName{FindingId::kStockTranslation, "stock-translation"},
    FindingName{FindingId::kUnknownRule, "unknown-rule"},
};

constexpr const char *name(FindingId id) {
  for (const FindingName &each : kFindingNames) {
    if (each.id == id) return each.name;
  }
  return "";
}

// A rule of the input that a finding is about.
struct FindingRule {
  RuleIndex rule = 0;  // or that of a policy rule
  bool is_policy = false;
  std::string better;  // as it should be written, one or more lines; or empty
};

struct Finding {
  FindingId id = FindingId::kUnknownRule;
  Severity severity = Severity::kProblem;
  std::string text;  // one sentence, without a full stop
  std::optional<Mark> mark;
  std::uint32_t bits = 0;
  std::optional<OwnerIndex> owner;  // whose rules they are
  std::vector<OwnerIndex> hurt;
  std::vector<FindingRule> rules;
  std::size_t more_rules = 0;      // of the same kind, not in `rules`
  std::vector<std::string> cures;  // what to do, where no rule says it
};

// Everything that is known of a ruleset before it is judged.
struct Analysis {
  const Ruleset &ruleset;
  const RuleOwners &owners;
  const ChainPaths &paths;
  const MarkUses &uses;
  const PairVerdicts &pairs;

  const std::string &owner_name(OwnerIndex owner) const { return owners.owners[owner].name; }
  const Owner &facts(OwnerIndex owner) const { return owners.owners[owner].facts; }
  Family family_of(const Rule &rule) const { return ruleset.chains[rule.chain].family; }
  bool is_nft(const Rule &rule) const {
    return ruleset.inputs[ruleset.chains[rule.chain].input].is_nft;
  }
};

// Of a write beyond the owner's own bits.
FindingId id_of_unmasked(Mark mark, const WriteBits &bits);

// A ruleset may hold a fault ten thousand times.  Findings of the same kind, by
// the same owner, of the same bits and to the same harm become one, and only
// its first rules are kept.  A rule may have a thousand tests: of one kind and rule
// the first findings are kept, of one kind the first thousand; the last of them
// counts the others.
class Findings {
 public:
  static constexpr std::size_t kRulesKept = 5;
  static constexpr std::size_t kKeptOfARule = 8;
  static constexpr std::size_t kKeptOfAKind = 1000;

  // Whether a finding like this one has all the rules that it will keep: then
  // the rule needs no better form.
  bool is_full(const Finding &like) const;
  void add(Finding finding);

  // Whether one of unmasked-* or shared-bits tells that `writer` harms `victim`.
  bool tell_harm(OwnerIndex writer, OwnerIndex victim) const;

  // Problems first, then in the order of kFindingNames.
  std::vector<Finding> take();

 private:
  using Key = std::vector<std::uint32_t>;
  static Key key_of(const Finding &finding);
  // Where a finding like this one is to be counted, if it is not to be kept.
  std::optional<std::size_t> place_of_too_many(const Finding &finding);

  struct Kept {
    std::size_t count = 0;
    std::size_t last = 0;  // index into findings_
  };
  std::map<FindingId, Kept> of_kind_;
  std::map<std::pair<FindingId, RuleIndex>, Kept> of_rule_;
  std::map<Key, std::size_t> places_;
  std::vector<Finding> findings_;
};

// The parts of the audit, each in a file of its own.
void find_overwritten_bits(const Analysis &analysis, Findings &findings);  // unmasked-*
void find_shared_bits(const Analysis &analysis, Findings &findings);
void find_witnessed_harm(const Analysis &analysis, Findings &findings);  // what these two miss
void find_impossible_matches(const Analysis &analysis, Findings &findings);
void find_never_written(const Analysis &analysis, Findings &findings);
void find_never_read(const Analysis &analysis, Findings &findings);
void find_connmark_in_raw(const Analysis &analysis, Findings &findings);
void find_wiping_restores(const Analysis &analysis, Findings &findings);
void find_too_late_for_routing(const Analysis &analysis, Findings &findings);
void find_strict_rp_filter(const Analysis &analysis, Findings &findings);
void find_shift_losses(const Analysis &analysis, Findings &findings);
void find_inexact_translations(const Analysis &analysis, Findings &findings);  // stock-translation
void find_unknown_rules(const Analysis &analysis, Findings &findings);

}  // namespace connmark
