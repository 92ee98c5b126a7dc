// SPDX-License-Identifier: GPL-2.0-or-later
//
// restore-wipes: a restore from connections without a mark, over bits that were set before.
#include <algorithm>
#include <bit>
#include <functional>
#include <set>
#include <sstream>
#include <tuple>
#include <unordered_map>

#include "command/findings/finding.h"
#include "command/iptables/rule_words.h"
#include "command/marks/write_bits.h"
#include "command/owners/owner_names.h"
#include "command/report/better_rule.h"

namespace connmark {
namespace {

// The value of an option that is not inverted, in a rule of iptables.
std::string value_of(const std::vector<std::string> &words, std::string_view option) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == option && (i == 0 || words[i - 1] != "!")) return words[i + 1];
  }
  return "";
}

// "eni+" is every name that begins with "eni".
bool may_be_the_same_interface(const std::string &left, const std::string &right) {
  const std::string one = left.substr(0, left.find('+'));
  const std::string other = right.substr(0, right.find('+'));
  if (left.ends_with('+') && right.starts_with(one)) return true;
  if (right.ends_with('+') && left.starts_with(other)) return true;
  return left == right;
}

bool have_a_state_in_common(const std::string &left, const std::string &right) {
  std::istringstream states(left);
  for (std::string state; std::getline(states, state, ',');) {
    if (("," + right + ",").find("," + state + ",") != std::string::npos) return true;
  }
  return false;
}

// What a rule of iptables wants of a packet, as far as it can exclude others.
struct Wants {
  std::string in;
  std::string out;
  std::string protocol;
  std::string states;
};

Wants wants_of(const Rule &rule) {
  if (!rule.has_other_matches() || !rule.text.starts_with("-A ")) return {};
  const std::vector<std::string> words = rule_words(rule.text);
  const std::string states = value_of(words, "--ctstate");
  return {value_of(words, "-i"), value_of(words, "-o"), value_of(words, "-p"),
          states.empty() ? value_of(words, "--state") : states};
}

// Whether no packet is wanted by both, as with -i eth0 and -i eth1.
bool exclude_each_other(const Wants &left, const Wants &right) {
  const auto clash = [](const std::string &one, const std::string &other, auto meet) {
    return !one.empty() && !other.empty() && !meet(one, other);
  };
  return clash(left.in, right.in, may_be_the_same_interface) ||
         clash(left.out, right.out, may_be_the_same_interface) ||
         clash(left.protocol, right.protocol, std::equal_to<>()) ||
         clash(left.states, right.states, have_a_state_in_common);
}

// Walks a path in the order of its rules and remembers for each bit of the
// packet's mark who has set it since it was last saved.
class Wipes {
 public:
  Wipes(const Analysis &analysis, Findings &findings) : analysis_(analysis), findings_(findings) {
    analysis.paths.each_rule([this](RuleIndex rule, const KnownMarks &known) {
      for (const MarkWrite &write : analysis_.ruleset.rules[rule].writes) {
        if (write.mark != Mark::kPacket) continue;
        const WriteBits bits = write_bits(write);
        if (bits.copied == 0) continue;
        if (known.of(Mark::kConnection).some_bit_is_set(bits.other_sources)) continue;
        restores_.push_back(
            {rule, bits.changed & ~known.of(Mark::kPacket).zero_bits(), bits.other_sources});
      }
    });
  }

  void find() {
    if (restores_.empty()) return;
    for (const Path path : kPaths) walk(path);
  }

 private:
  struct Restore {
    RuleIndex rule;
    std::uint32_t wiped;
    std::uint32_t sources;
  };

  enum class Kind : std::uint8_t { kSave, kSet, kRestore };

  struct Event {
    std::uint32_t position;
    Kind kind;
    std::size_t index;  // of a rule, or of a restore
  };

  // Of one bit in one family.
  struct Setters {
    static constexpr std::size_t kKept = 4;
    std::array<RuleIndex, kKept> rules = {};
    std::size_t count = 0;

    void add(RuleIndex rule) {
      if (count == kKept) {
        std::ranges::copy(rules.begin() + 1, rules.end(), rules.begin());
        --count;
      }
      rules[count++] = rule;
    }
  };

  std::vector<Event> events_of(Path path) const {
    std::vector<Event> events;
    for (RuleIndex i = 0; i < analysis_.ruleset.rules.size(); ++i) {
      const Visits &visits = analysis_.paths.visits(path, i);
      if (!visits.any()) continue;
      for (const MarkWrite &write : analysis_.ruleset.rules[i].writes) {
        const WriteBits bits = write_bits(write);
        const bool saves = write.mark == Mark::kConnection;
        if (!saves && (bits.ones == 0 || bits.copied != 0)) continue;
        const Kind kind = saves ? Kind::kSave : Kind::kSet;
        events.push_back({visits.first, kind, i});
        if (visits.last != visits.first) events.push_back({visits.last, kind, i});
      }
    }
    for (std::size_t i = 0; i < restores_.size(); ++i) {
      const Visits &visits = analysis_.paths.visits(path, restores_[i].rule);
      if (visits.any()) events.push_back({visits.last, Kind::kRestore, i});
    }
    std::ranges::stable_sort(events, [](const Event &left, const Event &right) {
      return std::tie(left.position, left.kind) < std::tie(right.position, right.kind);
    });
    return events;
  }

  void walk(Path path) {
    setters_ = {};
    saved_ = 0;
    for (const Event &event : events_of(path)) {
      if (event.kind == Kind::kRestore) {
        judge(restores_[event.index], path == Path::kSent);
        continue;
      }
      const auto index = static_cast<RuleIndex>(event.index);
      for (const MarkWrite &write : analysis_.ruleset.rules[index].writes) {
        const WriteBits bits = write_bits(write);
        if (event.kind == Kind::kSet && write.mark == Mark::kPacket) {
          each_setters(index, bits.ones, [&](Setters &setters, int) { setters.add(index); });
        } else if (event.kind == Kind::kSave && write.mark == Mark::kConnection) {
          // A constant counts as well: the connection gets a mark that is meant.
          const std::uint32_t saved = bits.other_sources | bits.ones | bits.unknown;
          saved_ |= saved;
          each_setters(index, saved, [](Setters &setters, int) { setters.count = 0; });
        }
      }
    }
  }

  template <typename Visitor>
  void each_setters(RuleIndex rule, std::uint32_t bits, const Visitor &visitor) {
    const unsigned families = families_of(analysis_.family_of(analysis_.ruleset.rules[rule]));
    for (; bits != 0; bits &= bits - 1) {
      const int bit = std::countr_zero(bits);
      for (std::size_t family = 0; family < kMarkFamilies; ++family) {
        if ((families >> family & 1) != 0) {
          visitor(setters_[static_cast<std::size_t>(bit)][family], bit);
        }
      }
    }
  }

  const Wants &wants(RuleIndex rule) {
    const auto [place, is_new] = wants_.try_emplace(rule);
    if (is_new) place->second = wants_of(analysis_.ruleset.rules[rule]);
    return place->second;
  }

  void judge(const Restore &restore, bool is_sent) {
    const OwnerIndex owner = analysis_.owners.of_rule[restore.rule];
    std::uint32_t lost = 0;
    std::optional<RuleIndex> setter;
    each_setters(restore.rule, restore.wiped, [&](const Setters &setters, int bit) {
      for (std::size_t i = 0; i < setters.count; ++i) {
        const RuleIndex each = setters.rules[i];
        // Bits of somebody else's are another finding, with another cure.
        const bool is_own = (analysis_.uses.own_bits(owner) >> bit & 1) != 0;
        if (analysis_.owners.of_rule[each] != owner && !is_own) continue;
        if (each == restore.rule || exclude_each_other(wants(each), wants(restore.rule))) continue;
        lost |= std::uint32_t{1} << bit;
        setter = each;
      }
    });
    std::string by;
    if (setter) {
      by = "a rule before it has set";
    } else if (is_sent) {
      const Owner &facts = analysis_.facts(owner);
      lost = restore.wiped & facts.written_elsewhere & facts.mask & ~saved_;
      by = "its sockets have set";
    }
    if (lost != 0) report(restore, owner, lost, by, setter);
  }

  void report(const Restore &restore, OwnerIndex owner, std::uint32_t lost, const std::string &by,
              std::optional<RuleIndex> setter) {
    Finding finding{.id = FindingId::kRestoreWipes,
                    .text = analysis_.owner_name(owner) +
                            ": for connections without a mark this restores 0 over " +
                            bits_text(lost, Mark::kPacket) + ", which " + by,
                    .mark = Mark::kPacket,
                    .bits = lost,
                    .owner = owner,
                    .hurt = {},
                    .rules = {{.rule = restore.rule, .is_policy = false, .better = {}}},
                    .cures = {}};
    if (findings_.is_full(finding)) return;
    const Rule &rule = analysis_.ruleset.rules[restore.rule];
    finding.rules[0].better = with_match(
        rule, {analysis_.is_nft(rule), analysis_.family_of(rule)},
        {.mark = Mark::kConnection, .value = 0, .mask = restore.sources, .inverted = true});
    if (setter) finding.rules.push_back({.rule = *setter, .is_policy = false, .better = {}});
    if (seen_.insert(restore.rule).second) findings_.add(std::move(finding));
  }

  const Analysis &analysis_;
  Findings &findings_;
  std::vector<Restore> restores_;
  std::array<std::array<Setters, kMarkFamilies>, 32> setters_;
  std::uint32_t saved_ = 0;  // on this path so far
  std::unordered_map<RuleIndex, Wants> wants_;
  std::set<RuleIndex> seen_;  // a rule may be on several paths
};

}  // namespace

void find_wiping_restores(const Analysis &analysis, Findings &findings) {
  Wipes(analysis, findings).find();
}

}  // namespace connmark
