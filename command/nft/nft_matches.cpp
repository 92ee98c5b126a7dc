// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each rule is given a jump to a chain of its own: a number that nobody can know
// beforehand, and its place.  That tells the lines of the answer apart, and where
// the matches end.  Chains have no part in the translation, so that all rules are
// those of one with a harmless name.
#include "command/nft/nft_matches.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <sstream>

#include "command/iptables/rule_words.h"
#include "command/nft/translator_answer.h"
#include "command/other_program.h"
#include "command/refusal.h"

namespace connmark {
namespace {

constexpr std::size_t kRulesInOneStart = 500;
constexpr const char *kNoMatches = "its matches";

struct Question {
  const Matches *rule;
  NftMatches *answer;
  enum class State { kOpen, kTaken, kRefused } state = State::kOpen;
};

class Translator {
 public:
  explicit Translator(bool ipv6) : ipv6_(ipv6) {
    std::uint64_t secret = 0;
    if (getrandom(&secret, sizeof secret, 0) != sizeof secret) {
      throw Refusal("getrandom: the kernel has no random number");
    }
    char text[32];
    std::snprintf(text, sizeof text, "r%016llx_", static_cast<unsigned long long>(secret));
    target_ = text;
  }

  // The questions of a table stand together.
  void ask(std::span<Question> questions) {
    while (!questions.empty()) {
      const auto run = run_program({program(), "-f", "/dev/stdin"}, text_of(questions));
      if (!run) return;
      read(run->output, questions);
      const auto open = std::ranges::find(questions, Question::State::kOpen, &Question::state);
      if (open == questions.end()) return;
      if (run->crashed && questions.size() > 1) {
        // Which of them it is cannot be told.
        ask(questions.first(questions.size() / 2));
        ask(questions.last(questions.size() - questions.size() / 2));
        return;
      }
      // It has ended at the first rule that it could not read.
      refuse(*open);
      questions = questions.subspan(static_cast<std::size_t>(open - questions.begin()) + 1);
    }
  }

 private:
  std::string program() const {
    return ipv6_ ? "ip6tables-restore-translate" : "iptables-restore-translate";
  }

  static void refuse(Question &question) {
    question.state = Question::State::kRefused;
    *question.answer = {};
    question.answer->reason = kNoMatches;
  }

  std::string text_of(std::span<const Question> questions) const {
    std::string text;
    std::string table;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const Matches &rule = *questions[i].rule;
      if (rule.table != table) {
        if (!table.empty()) text += "COMMIT\n";
        text += "*" + rule.table + "\n";
        table = rule.table;
      }
      text += "-A r " + rule_line(rule.words) + " -j " + target_ + std::to_string(i) + "\n";
    }
    return text + "COMMIT\n";
  }

  void read(const std::string &output, std::span<Question> questions) const {
    std::vector<std::string> sets;
    std::istringstream in(output);
    for (std::string line; std::getline(in, line);) {
      const std::size_t target = line.find(target_);
      if (target == line.npos) {
        if (!line.empty() && line[0] != '#' && !line.starts_with("add table ")) {
          sets.push_back(line);
        }
        continue;
      }
      std::size_t number = 0;
      std::size_t end = target + target_.size();
      for (; end < line.size() && line[end] >= '0' && line[end] <= '9'; ++end) {
        number = number * 10 + static_cast<std::size_t>(line[end] - '0');
      }
      if (number >= questions.size()) continue;
      Question &question = questions[number];
      if (question.state != Question::State::kRefused) {
        question.state = Question::State::kTaken;
        question.answer->reason.clear();
        const std::string_view whole = line;
        if (!take(whole.substr(0, target), whole.substr(end), sets, question)) refuse(question);
      }
      sets.clear();
    }
  }

  bool take(std::string_view before, std::string_view behind, const std::vector<std::string> &sets,
            Question &question) const {
    const std::string place = (ipv6_ ? " ip6 " : " ip ") + question.rule->table + " ";
    const std::string head = "add rule" + place + "r ";
    constexpr std::string_view kTail = "counter jump ";
    if (!before.starts_with(head) || !before.ends_with(kTail)) return false;
    before.remove_prefix(head.size());
    if (before.size() < kTail.size()) return false;
    before.remove_suffix(kTail.size());
    const std::string set_head = "add set" + place;
    for (const std::string &line : sets) {
      if (!line.starts_with(set_head)) return false;
      const auto set = read_set(std::string_view(line).substr(set_head.size()));
      if (!set) return false;
      question.answer->sets.push_back(*set);
    }
    return add_rule(before, behind, question.rule->words, *question.answer);
  }

  bool ipv6_;
  std::string target_;
};

}  // namespace

std::vector<NftMatches> nft_matches(const std::vector<Matches> &rules) {
  std::vector<NftMatches> result(rules.size());
  std::map<bool, std::vector<Question>> by_family;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].words.empty()) {
      result[i].rules.emplace_back();
    } else if (!can_be_asked(rules[i].words) || !NftName::of(rules[i].table)) {
      result[i].reason = kNoMatches;
    } else {
      result[i].reason = "its matches, since iptables-restore-translate is not installed";
      by_family[rules[i].ipv6].push_back({&rules[i], &result[i]});
    }
  }
  for (auto &[ipv6, questions] : by_family) {
    std::ranges::stable_sort(questions, {}, [](const Question &each) { return each.rule->table; });
    Translator translator(ipv6);
    for (std::size_t from = 0; from < questions.size(); from += kRulesInOneStart) {
      const std::size_t size = std::min(kRulesInOneStart, questions.size() - from);
      translator.ask(std::span(questions).subspan(from, size));
    }
  }
  return result;
}

}  // namespace connmark
