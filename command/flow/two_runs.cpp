// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/flow/two_runs.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

namespace connmark {
namespace {

// Rules passed on one way, each time that a chain is called.
constexpr std::size_t kStepsAtMost = 50'000;
constexpr std::size_t kSmall = 64;  // rules of a chain with all that it calls
constexpr RuleIndex kNoRule = std::numeric_limits<RuleIndex>::max();

std::size_t number(Mark mark) { return static_cast<std::size_t>(mark); }

bool writes_others_than(std::uint32_t bits, const Ruleset &ruleset) {
  return std::ranges::any_of(ruleset.rules, [bits](const Rule &rule) {
    return std::ranges::any_of(rule.writes, [bits](const MarkWrite &write) {
      return write.mark == Mark::kPacket && (changed_bits(write.mark, write.value) & ~bits) != 0;
    });
  });
}

}  // namespace

RulesOfChains::RulesOfChains(const Ruleset &ruleset)
    : first_(ruleset.chains.size() + 1, 0), matters_(ruleset.chains.size(), false) {
  for (const Rule &rule : ruleset.rules) ++first_[rule.chain + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  rules_.resize(ruleset.rules.size());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (RuleIndex i = 0; i < ruleset.rules.size(); ++i) {
    rules_[next[ruleset.rules[i].chain]++] = i;
  }
  // Who calls a chain that matters, matters.
  std::vector<std::vector<ChainIndex>> callers(ruleset.chains.size());
  std::vector<ChainIndex> found;
  const auto add = [&](ChainIndex chain) {
    if (matters_[chain]) return;
    matters_[chain] = true;
    found.push_back(chain);
  };
  const auto call = [&](const Branch &branch, ChainIndex from) {
    if (branch.chain != kNoChain) callers[branch.chain].push_back(from);
  };
  for (const Rule &rule : ruleset.rules) {
    call(rule.outcome, rule.chain);
    if (rule.branches) {
      for (const Branch &each : *rule.branches) call(each, rule.chain);
    }
    if (rule.touches_marks() || rule.untracks) add(rule.chain);
  }
  while (!found.empty()) {
    const ChainIndex chain = found.back();
    found.pop_back();
    for (const ChainIndex each : callers[chain]) add(each);
  }
  const std::vector<ChainIndex> order = called_first(ruleset);
  const std::vector<std::size_t> all = counts(ruleset, order, false);
  for (ChainIndex chain = 0; chain < all.size(); ++chain) {
    if (all[chain] <= kSmall) matters_[chain] = true;
  }
  steps_ = counts(ruleset, order, true);
}

template <typename Visitor>
void RulesOfChains::each_call(const Ruleset &ruleset, ChainIndex chain,
                              const Visitor &visitor) const {
  for (const RuleIndex index : of(chain)) {
    const Rule &rule = ruleset.rules[index];
    if (rule.outcome.chain != kNoChain) visitor(rule.outcome.chain);
    if (!rule.branches) continue;
    for (const Branch &each : *rule.branches) {
      if (each.chain != kNoChain) visitor(each.chain);
    }
  }
}

// Each chain behind those that it calls.
std::vector<ChainIndex> RulesOfChains::called_first(const Ruleset &ruleset) const {
  struct Visit {
    ChainIndex chain;
    std::vector<ChainIndex> left;
  };
  std::vector<ChainIndex> order;
  std::vector<bool> seen(ruleset.chains.size(), false);
  std::vector<Visit> visits;
  const auto visit = [&](ChainIndex chain) {
    if (seen[chain]) return;
    seen[chain] = true;
    visits.push_back({chain, {}});
    each_call(ruleset, chain, [&](ChainIndex to) { visits.back().left.push_back(to); });
  };
  for (ChainIndex chain = 0; chain < ruleset.chains.size(); ++chain) {
    visit(chain);
    while (!visits.empty()) {
      Visit &last = visits.back();
      if (last.left.empty()) {
        order.push_back(last.chain);
        visits.pop_back();
      } else {
        const ChainIndex next = last.left.back();
        last.left.pop_back();
        visit(next);
      }
    }
  }
  return order;
}

// How many rules a packet comes to in each chain and all that it calls, time and again; or
// more than are ever followed.  With `skips`, a chain that does not matter counts as one.
std::vector<std::size_t> RulesOfChains::counts(const Ruleset &ruleset,
                                               const std::vector<ChainIndex> &order,
                                               bool skips) const {
  // What has not been counted yet when it is called, calls itself: the kernel takes no such
  // chains, and a file may have them.
  std::vector<std::size_t> result(ruleset.chains.size(), kStepsAtMost + 1);
  for (const ChainIndex chain : order) {
    std::size_t count = of(chain).size() + 1;
    each_call(ruleset, chain, [&](ChainIndex to) {
      count += skips && !matters_[to] ? 1 : result[to];
      count = std::min(count, kStepsAtMost + 1);
    });
    result[chain] = count;
  }
  return result;
}

TwoRuns::TwoRuns(const Ruleset &ruleset, const RulesOfChains &rules, PacketVariables &variables,
                 std::function<bool(RuleIndex)> is_left_out,
                 std::function<void(const Look &)> observer)
    : ruleset_(ruleset),
      rules_(rules),
      variables_(variables),
      diagram_(variables.diagram()),
      is_left_out_(std::move(is_left_out)),
      observer_(std::move(observer)),
      writes_other_bits_(writes_others_than(variables.bits().of(Mark::kPacket), ruleset)) {}

EndOfWay TwoRuns::pass(const std::vector<Stop> &stops, Family family, Way way, bool is_reply) {
  family_ = family;
  view_ = {.is_reply = is_reply,
           .has_in_interface = false,
           .has_out_interface = false,
           .is_looped = way == Way::kLooped,
           .stage = NatStage::kBefore,
           .has_connection = {},
           .is_untracked = {}};
  variables_.forget_free();
  free_decisions_.clear();
  std::size_t steps = 0;
  for (const Stop &stop : stops) {
    for (const ChainIndex chain : chains_in(stop.chains)) {
      steps += rules_.steps(chain) * stop.chains.size();
    }
  }
  if (steps > kStepsAtMost) throw TooLarge{};
  confirmed_ = Condition::never();
  for (std::size_t run = 0; run < kRuns; ++run) {
    runs_[run] = {};
    runs_[run].here = Condition::always();
    for (int bit = 0; bit < 32; ++bit) {
      const auto place = static_cast<std::size_t>(bit);
      if ((variables_.bits().of(Mark::kPacket) >> bit & 1) != 0) {
        runs_[run].marks[number(Mark::kPacket)][place] = variables_.start_bit(bit);
      }
      if ((variables_.bits().of(Mark::kConnection) >> bit & 1) != 0) {
        runs_[run].marks[number(Mark::kConnection)][place] = variables_.connection_bit(bit, run);
      }
    }
  }
  Hook hook = Hook::kPrerouting;
  for (const Stop &stop : stops) {
    view_.has_in_interface = stop.has_in_interface;
    view_.has_out_interface = stop.has_out_interface;
    view_.stage = stop.stage;
    switch (stop.kind) {
      case Stop::Kind::kConntrack:
        for (std::size_t run = 0; run < kRuns; ++run) {
          view_.is_untracked[run] =
              diagram_.any(view_.is_untracked[run], variables_.is_never_tracked());
          view_.has_connection[run] =
              diagram_.negation(diagram_.any(view_.is_untracked[run], variables_.is_invalid()));
        }
        break;
      case Stop::Kind::kConfirm:
        confirmed_ = diagram_.any(confirmed_, runs_[0].here);
        break;
      case Stop::Kind::kRouting:
        for (Run &run : runs_) run.routed = run.marks[number(Mark::kPacket)];
        route(Condition::always());
        break;
      case Stop::Kind::kChains:
        if (stop.hook != hook) {
          hook = stop.hook;
          // What has been sent to itself has had its turn.
          const bool is_again =
              way == Way::kLooped && (hook == Hook::kPrerouting || hook == Hook::kInput);
          for (Run &run : runs_) {
            run.decided = is_again ? Condition::always() : Condition::never();
          }
        }
        pass_chains(stop);
        break;
    }
  }
  EndOfWay end;
  for (std::size_t run = 0; run < kRuns; ++run) {
    end.marks[run] = runs_[run].marks[number(Mark::kConnection)];
  }
  end.has_connection = view_.has_connection[0];
  end.is_confirmed = confirmed_;
  return end;
}

// In each round everyone may have its turn.
template <typename Visitor>
void TwoRuns::in_each_order(const std::vector<ChainIndex> &name, std::size_t count, Condition when,
                            const Visitor &visitor) {
  if (count == 1) return visitor(0, when);
  const std::vector<Choice> &turns = variables_.turns_of(name);
  for (std::size_t turn = 0; turn < count; ++turn) {
    std::vector<bool> is_this(count, false);
    is_this[turn] = true;
    for (std::size_t i = 0; i < count; ++i) {
      visitor(i, diagram_.both(when, turns[i].is_one_of(is_this, diagram_)));
    }
  }
}

void TwoRuns::pass_chains(const Stop &stop) {
  in_each_order(chains_in(stop.chains), stop.chains.size(), Condition::always(),
                [&](std::size_t i, Condition when) {
                  for (const auto &group : stop.chains[i]) {
                    in_each_order(group, group.size(), when,
                                  [&](std::size_t chain, Condition in_turn) {
                                    pass_base(group[chain], in_turn);
                                  });
                  }
                });
}

void TwoRuns::pass_base(ChainIndex index, Condition when) {
  const Chain &chain = ruleset_.chains[index];
  const std::array<Run, kRuns> before = runs_;
  OfRuns passing_by;
  for (std::size_t i = 0; i < kRuns; ++i) {
    Run &run = runs_[i];
    Condition sees = diagram_.both(run.here, when);
    if (chain.is_nat) {
      if (view_.is_reply) sees = Condition::never();
      sees = diagram_.both(sees, view_.has_connection[i]);
      sees = diagram_.but_not(sees, run.decided);
      sees = diagram_.but_not(sees, variables_.is_confirmed());
      sees = diagram_.but_not(sees, variables_.is_icmp_error());
    }
    passing_by[i] = diagram_.but_not(run.here, sees);
    run.here = sees;
    run.accepted = Condition::never();
  }
  Returned returned;
  if (rules_.matters(index)) {
    pass_chain(index, returned);
  } else {
    const OfRuns all{runs_[0].here, runs_[1].here};
    OfRuns back;
    skip(kNoRule, index, all, back);
    for (std::size_t run = 0; run < kRuns; ++run) runs_[run].here = back[run];
  }
  Condition translates = Condition::never();
  if (chain.is_nat) {
    translates = variables_.free();
    free_decisions_.push_back({FreeDecision::Kind::kNat, kNoRule, index, {translates, translates}});
  }
  for (std::size_t i = 0; i < kRuns; ++i) {
    Run &run = runs_[i];
    run.decided = diagram_.any(run.decided, diagram_.both(run.accepted, translates));
    Condition at_end = diagram_.any(run.here, returned[i]);
    if (chain.policy_drops) at_end = Condition::never();
    run.here = diagram_.any(passing_by[i], diagram_.any(run.accepted, at_end));
  }
  if (chain.reroutes && chain.hook == Hook::kOutput) reroute(before, when);
}

void TwoRuns::pass_chain(ChainIndex chain, Returned &returned) {
  for (const RuleIndex index : rules_.of(chain)) {
    if (runs_[0].here.is_never() && runs_[1].here.is_never()) return;
    pass_rule(index, returned);
  }
}

OfRuns TwoRuns::both(const OfRuns &left, const OfRuns &right) {
  return {diagram_.both(left[0], right[0]), diagram_.both(left[1], right[1])};
}

TwoRuns::Passed TwoRuns::passed_parts(RuleIndex index, const Rule &rule) {
  Passed passed;
  const OfRuns always{Condition::always(), Condition::always()};
  passed.matches.push_back(always);
  passed.tests.push_back(always);
  for (std::uint32_t i = 0; i < rule.matches.size(); ++i) {
    const Variable before = variables_.free_count();
    const OfRuns passing = variables_.passes(rule.matches[i], view_);
    if (variables_.free_count() != before) {
      free_decisions_.push_back({FreeDecision::Kind::kMatch, index, i, passing});
    }
    passed.matches.push_back(both(passed.matches.back(), passing));
  }
  const OfRuns here{runs_[0].here, runs_[1].here};
  for (std::uint32_t i = 0; i < rule.tests.size(); ++i) {
    const MarkTest &test = rule.tests[i];
    OfRuns reached = both(asked_for(i, rule, passed), passed.tests.back());
    if (test.mark == Mark::kConnection) reached = both(reached, view_.has_connection);
    look(index, test, both(here, reached));
    passed.tests.push_back(both(passed.tests.back(), result_of(index, i, test)));
  }
  return passed;
}

// A test comes behind the matches before the first write that comes behind the test.
OfRuns TwoRuns::asked_for(std::uint32_t test, const Rule &rule, const Passed &passed) {
  OfRuns asked = passed.matches.back();
  for (const MarkWrite &write : rule.writes) {
    if (write.tests_before <= test) continue;
    for (std::size_t run = 0; run < kRuns; ++run) {
      asked[run] = diagram_.any(asked[run], passed.matches[write.matches_before][run]);
    }
  }
  return asked;
}

Condition TwoRuns::differs(Mark mark, std::uint32_t bits) {
  Condition result = Condition::never();
  for (; bits != 0; bits &= bits - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
    result = diagram_.any(result, diagram_.differ(runs_[0].marks[number(mark)][bit],
                                                  runs_[1].marks[number(mark)][bit]));
  }
  return result;
}

Condition TwoRuns::looks_different(const Rule &rule, std::size_t tests) {
  Condition result = Condition::never();
  for (std::size_t i = 0; i < tests; ++i) {
    Condition differ = differs(rule.tests[i].mark, rule.tests[i].mask);
    if (rule.tests[i].mark == Mark::kConnection) {
      differ =
          diagram_.both(differ, diagram_.any(view_.has_connection[0], view_.has_connection[1]));
    }
    result = diagram_.any(result, differ);
  }
  return result;
}

OfRuns TwoRuns::result_of(RuleIndex index, std::uint32_t place, const MarkTest &test) {
  OfRuns result{Condition::always(), Condition::always()};
  if (!test.decides) return result;
  if (!test.value_known) {
    // Somehow it depends on what the rule has looked at: where that is equal, so is the result.
    const Condition one = variables_.free();
    const Condition other = variables_.free();
    result = {one, diagram_.either(looks_different(ruleset_.rules[index], place + 1), other, one)};
    free_decisions_.push_back({FreeDecision::Kind::kTest, index, place, result});
  } else {
    for (std::size_t run = 0; run < kRuns; ++run) {
      Condition equal = (test.value & ~test.mask) == 0 ? Condition::always() : Condition::never();
      for (std::uint32_t bits = test.mask; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
        const Condition is_set = runs_[run].marks[number(test.mark)][bit];
        equal = (test.value >> bit & 1) != 0 ? diagram_.both(equal, is_set)
                                             : diagram_.but_not(equal, is_set);
      }
      result[run] = test.inverted ? diagram_.negation(equal) : equal;
    }
  }
  return test.mark == Mark::kConnection ? both(result, view_.has_connection) : result;
}

void TwoRuns::look(RuleIndex index, const MarkTest &test, const OfRuns &reached) {
  const std::uint32_t bits = test.mask;
  if (bits == 0 || (reached[0].is_never() && reached[1].is_never())) return;
  observer_({false, index, test.mark, bits, reached,
             diagram_.both(diagram_.both(reached[0], reached[1]), differs(test.mark, bits))});
}

OfRuns TwoRuns::write(RuleIndex index, const Rule &rule, const Passed &passed) {
  // nft_ct_get_eval ends a rule that loads the mark of no connection.
  const bool load_ends_rule =
      ruleset_.inputs[ruleset_.chains[rule.chain].input].is_nft && !rule.mark_rule;
  OfRuns goes_on{Condition::always(), Condition::always()};
  const bool left_out = is_left_out_(index);
  const std::array<Run, kRuns> before = runs_;
  const Condition looked_different = looks_different(rule, rule.tests.size());
  for (const MarkWrite &each : rule.writes) {
    const OfRuns comes = both(passed.matches[each.matches_before], passed.tests[each.tests_before]);
    const OfRuns all = both(both({before[0].here, before[1].here}, goes_on), comes);
    bool copies = false;
    for (int i = 0; i < 32; ++i) copies = copies || each.value.bit(i).connection >= 0;
    const bool needs_connection = each.mark == Mark::kConnection || copies;
    const OfRuns when = needs_connection ? both(all, view_.has_connection) : all;
    if (copies && load_ends_rule) {
      for (std::size_t run = 0; run < kRuns; ++run) {
        goes_on[run] =
            diagram_.but_not(goes_on[run], diagram_.but_not(comes[run], view_.has_connection[run]));
      }
    }
    for (int i = 0; i < 32; ++i) {
      if ((variables_.bits().of(each.mark) >> i & 1) == 0) continue;
      const BitValue &bit = each.value.bit(i);
      OfRuns unknown;
      if (bit.unknown) {
        const Condition one = variables_.free();
        unknown = {one, diagram_.either(looked_different, variables_.free(), one)};
        free_decisions_.push_back(
            {FreeDecision::Kind::kWrittenBit, index, static_cast<std::uint32_t>(i), unknown});
      }
      for (std::size_t run = 0; run < kRuns; ++run) {
        if (run == 1 && left_out) continue;
        Condition value = bit.inverted ? Condition::always() : Condition::never();
        const auto add = [&](Mark mark, std::int8_t from) {
          if (from < 0) return;
          value = diagram_.differ(value,
                                  before[run].marks[number(mark)][static_cast<std::size_t>(from)]);
        };
        add(Mark::kConnection, bit.connection);
        add(Mark::kPacket, bit.packet);
        if (bit.unknown) value = unknown[run];
        Condition &is = runs_[run].marks[number(each.mark)][static_cast<std::size_t>(i)];
        is = diagram_.either(when[run], value, is);
      }
    }
  }
  return goes_on;
}

void TwoRuns::pass_rule(RuleIndex index, Returned &returned) {
  const Rule &rule = ruleset_.rules[index];
  const Passed passed = passed_parts(index, rule);
  OfRuns all =
      both({runs_[0].here, runs_[1].here}, both(passed.matches.back(), passed.tests.back()));
  // The key of a map may be a mark.
  const Condition different =
      rule.branches ? looks_different(rule, rule.tests.size()) : Condition::never();
  if (!rule.writes.empty()) all = both(all, write(index, rule, passed));
  if (rule.untracks) {
    for (std::size_t run = 0; run < kRuns; ++run) {
      const Condition untracked = diagram_.but_not(all[run], view_.has_connection[run]);
      view_.is_untracked[run] = diagram_.any(view_.is_untracked[run], untracked);
    }
  }
  if (rule.branches) return take_branches(index, different, all, returned);
  take(index, rule.outcome, all, returned);
}

void TwoRuns::take_branches(RuleIndex index, Condition different, OfRuns passed,
                            Returned &returned) {
  const std::vector<Branch> &branches = *ruleset_.rules[index].branches;
  for (std::uint32_t i = 0; i < branches.size(); ++i) {
    const Condition one = variables_.free();
    const OfRuns taken{one, diagram_.either(different, variables_.free(), one)};
    free_decisions_.push_back({FreeDecision::Kind::kBranch, index, i, taken});
    take(index, branches[i], both(passed, taken), returned);
    for (std::size_t run = 0; run < kRuns; ++run) {
      passed[run] = diagram_.but_not(passed[run], taken[run]);
    }
  }
}

void TwoRuns::take(RuleIndex index, const Branch &branch, const OfRuns &passed,
                   Returned &returned) {
  if (branch.verdict == Verdict::kContinue) return;
  OfRuns others;
  for (std::size_t run = 0; run < kRuns; ++run) {
    others[run] = diagram_.but_not(runs_[run].here, passed[run]);
  }
  OfRuns back;
  switch (branch.verdict) {
    case Verdict::kContinue:
    case Verdict::kDrop:
      break;
    case Verdict::kAccept:
      for (std::size_t run = 0; run < kRuns; ++run) {
        runs_[run].accepted = diagram_.any(runs_[run].accepted, passed[run]);
      }
      break;
    case Verdict::kReturn:
      for (std::size_t run = 0; run < kRuns; ++run) {
        returned[run] = diagram_.any(returned[run], passed[run]);
      }
      break;
    case Verdict::kJump:
    case Verdict::kGoto: {
      if (branch.chain == kNoChain) {
        back = passed;
      } else if (!rules_.matters(branch.chain)) {
        skip(index, branch.chain, passed, back);
      } else {
        Returned of_called;
        for (std::size_t run = 0; run < kRuns; ++run) runs_[run].here = passed[run];
        pass_chain(branch.chain, of_called);
        for (std::size_t run = 0; run < kRuns; ++run) {
          back[run] = diagram_.any(runs_[run].here, of_called[run]);
        }
      }
      if (branch.verdict == Verdict::kGoto) {
        for (std::size_t run = 0; run < kRuns; ++run) {
          returned[run] = diagram_.any(returned[run], back[run]);
        }
        back = {};
      }
      break;
    }
  }
  for (std::size_t run = 0; run < kRuns; ++run) {
    runs_[run].here = diagram_.any(others[run], back[run]);
  }
}

void TwoRuns::skip(RuleIndex rule, ChainIndex chain, const OfRuns &passed, OfRuns &back) {
  const Condition leaves = variables_.free();
  const Condition is_accepted = variables_.free();
  free_decisions_.push_back({FreeDecision::Kind::kSkippedChain, rule, chain, {leaves, leaves}});
  for (std::size_t run = 0; run < kRuns; ++run) {
    back[run] = diagram_.but_not(passed[run], leaves);
    const Condition accepted = diagram_.both(passed[run], diagram_.both(leaves, is_accepted));
    runs_[run].accepted = diagram_.any(runs_[run].accepted, accepted);
  }
}

void TwoRuns::route(Condition when) {
  const OfRuns here{diagram_.both(runs_[0].here, when), diagram_.both(runs_[1].here, when)};
  for (RuleIndex i = 0; i < ruleset_.policy_rules.size(); ++i) {
    const PolicyRule &rule = ruleset_.policy_rules[i];
    if (rule.family != family_ || rule.mask == 0) continue;
    Condition different = Condition::never();
    for (std::uint32_t bits = rule.mask; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
      different =
          diagram_.any(different, diagram_.differ(runs_[0].routed[bit], runs_[1].routed[bit]));
    }
    observer_({true, i, Mark::kPacket, rule.mask, here,
               diagram_.both(diagram_.both(here[0], here[1]), different)});
  }
}

// ip_route_me_harder, behind a chain that has changed the mark.  Where it has not, the
// packet keeps the route of the mark that it had then, whatever others have written since.
void TwoRuns::reroute(const std::array<Run, kRuns> &before, Condition when) {
  for (std::size_t i = 0; i < kRuns; ++i) {
    const auto &old = before[i].marks[number(Mark::kPacket)];
    const auto &now = runs_[i].marks[number(Mark::kPacket)];
    Condition changed = writes_other_bits_ ? variables_.free() : Condition::never();
    for (std::size_t bit = 0; bit < now.size(); ++bit) {
      changed = diagram_.any(changed, diagram_.differ(old[bit], now[bit]));
    }
    for (std::size_t bit = 0; bit < now.size(); ++bit) {
      runs_[i].routed[bit] = diagram_.either(changed, now[bit], runs_[i].routed[bit]);
    }
  }
  route(when);
}

}  // namespace connmark
