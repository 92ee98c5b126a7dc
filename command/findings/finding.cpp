// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/findings/finding.h"

#include <algorithm>

namespace connmark {
namespace {

std::size_t rank(FindingId id) {
  const auto *const place = std::ranges::find(kFindingNames, id, &FindingName::id);
  return static_cast<std::size_t>(place - kFindingNames.begin());
}

}  // namespace

Findings::Key Findings::key_of(const Finding &finding) {
  constexpr std::uint32_t kNobody = kAllBits;
  Key key{static_cast<std::uint32_t>(finding.id), static_cast<std::uint32_t>(finding.severity),
          finding.owner.value_or(kNobody),
          finding.mark ? static_cast<std::uint32_t>(*finding.mark) : kNobody, finding.bits};
  key.insert(key.end(), finding.hurt.begin(), finding.hurt.end());
  return key;
}

FindingId id_of_unmasked(Mark mark, const WriteBits &bits) {
  if (bits.copied == 0) return FindingId::kUnmaskedSet;
  return mark == Mark::kConnection ? FindingId::kUnmaskedSave : FindingId::kUnmaskedRestore;
}

bool Findings::tell_harm(OwnerIndex writer, OwnerIndex victim) const {
  const auto has = [](const Finding &finding, OwnerIndex owner) {
    return std::ranges::find(finding.hurt, owner) != finding.hurt.end();
  };
  return std::ranges::any_of(findings_, [&](const Finding &finding) {
    if (finding.id == FindingId::kSharedBits) return has(finding, writer) && has(finding, victim);
    return rank(finding.id) < rank(FindingId::kSharedBits) && finding.owner == writer &&
           has(finding, victim);
  });
}

bool Findings::is_full(const Finding &like) const {
  const auto place = places_.find(key_of(like));
  return place != places_.end() && findings_[place->second].rules.size() >= kRulesKept;
}

std::optional<std::size_t> Findings::place_of_too_many(const Finding &finding) {
  Kept &kind = of_kind_[finding.id];
  if (kind.count >= kKeptOfAKind) return kind.last;
  if (!finding.rules.empty() && !finding.rules[0].is_policy) {
    Kept &rule = of_rule_[{finding.id, finding.rules[0].rule}];
    if (rule.count >= kKeptOfARule) return rule.last;
    rule = {rule.count + 1, findings_.size()};
  }
  kind = {kind.count + 1, findings_.size()};
  return std::nullopt;
}

void Findings::add(Finding finding) {
  const auto [place, is_new] = places_.try_emplace(key_of(finding), findings_.size());
  if (is_new) {
    if (const auto other = place_of_too_many(finding)) {
      places_.erase(place);
      findings_[*other].more_rules += finding.rules.size();
      return;
    }
  }
  if (is_new) {
    findings_.push_back(std::move(finding));
    return;
  }
  Finding &old = findings_[place->second];
  for (FindingRule &rule : finding.rules) {
    if (old.rules.size() < kRulesKept) {
      old.rules.push_back(std::move(rule));
    } else {
      ++old.more_rules;
    }
  }
}

std::vector<Finding> Findings::take() {
  std::ranges::stable_sort(findings_, [](const Finding &left, const Finding &right) {
    if (left.severity != right.severity) return left.severity < right.severity;
    return rank(left.id) < rank(right.id);
  });
  places_.clear();
  return std::move(findings_);
}

}  // namespace connmark
