// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules that no user can type, put into the kernel byte by byte and read back by
// the programs.  Each stands between two ordinary rules, which must survive.
//
// The programs show and compare rules of the newest revision that the kernel has,
// so for revision 1 it is made to look as if it had no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ostream>

#include "hostile/raw_rules.h"
#include "support/command.h"

namespace connmark::test {
namespace {

constexpr char kBefore[] = "-j CONNMARK --set-xmark 0x1/0xffffffff";
constexpr char kAfter[] = "-j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf";
constexpr char kUnknown[] = " ERROR: UNKNOWN CONNMARK MODE";

struct HostileRule {
  std::string what;
  WireBytes bytes;
  std::string save;  // behind "-j CONNMARK"
  std::string list;
};

using Tail = std::array<unsigned char, 4>;

// The bytes of `op`, but the last four, which hold its mode and shift.
WireBytes with_tail(const Operation &op, Tail tail) {
  WireBytes bytes = {};
  encode_into(Revision::k2, op, bytes);
  std::copy(tail.begin(), tail.end(), bytes.end() - tail.size());
  return bytes;
}

constexpr Operation kSet = set_xmark(0x16, 0xff);
const std::string kSetSave = " --set-xmark 0x16/0xff";
const std::string kSetList = " CONNMARK xset 0x16/0xff";

// What every revision has, where `tail` makes the last bytes for a mode.
std::vector<HostileRule> rules_of_any_revision(Tail (*tail)(unsigned char mode)) {
  Operation set_with_nfmask = kSet;
  set_with_nfmask.nfmask = 0xdeadbeef;
  Operation copy_with_value = save_mark(0xff, 0xff);
  copy_with_value.ctmark = 0xdeadbeef;
  std::vector<HostileRule> rules = {
      {"a set with an nfmask", with_tail(set_with_nfmask, tail(0)), kSetSave, kSetList},
      {"a save with a value", with_tail(copy_with_value, tail(1)),
       " --save-mark --nfmask 0xff --ctmask 0xff", " CONNMARK save mask 0xff"},
      {"a restore with a value", with_tail(copy_with_value, tail(2)),
       " --restore-mark --nfmask 0xff --ctmask 0xff", " CONNMARK restore mask 0xff"},
  };
  constexpr unsigned char kUnknownModes[] = {3, 127, 128, 255};
  for (const unsigned char mode : kUnknownModes) {
    rules.push_back(
        {"mode " + std::to_string(mode), with_tail(kSet, tail(mode)), kUnknown, kUnknown});
  }
  return rules;
}

std::vector<HostileRule> hostile_rules(Revision revision) {
  if (revision == Revision::k1) {  // mode, padding
    auto rules = rules_of_any_revision([](unsigned char mode) { return Tail{mode, 0, 0, 0}; });
    rules.insert(rules.end(),
                 {
                     {"padding", with_tail(kSet, {0, 1, 2, 0x1b}), kSetSave, kSetList},
                     {"garbage", with_tail(kSet, {255, 255, 255, 255}), kUnknown, kUnknown},
                 });
    return rules;
  }
  // direction, bits, mode, padding
  auto rules = rules_of_any_revision([](unsigned char mode) { return Tail{0, 0, mode, 0}; });
  rules.insert(rules.end(),
               {
                   {"padding", with_tail(kSet, {0, 0, 0, 0xa5}), kSetSave, kSetList},
                   {"garbage", with_tail(kSet, {1, 31, 255, 255}), kUnknown, kUnknown},
                   {"no shift, to the right", with_tail(kSet, {1, 0, 0, 0}), kSetSave, kSetList},
                   {"direction 2", with_tail(kSet, {2, 4, 0, 0}), kSetSave + " --left-shift-mark 4",
                    kSetList + " left-shift-mark 4"},
                   {"direction 255", with_tail(kSet, {255, 4, 0, 0}),
                    kSetSave + " --left-shift-mark 4", kSetList + " left-shift-mark 4"},
                   {"shift by 32", with_tail(kSet, {0, 32, 0, 0}),
                    kSetSave + " --left-shift-mark 32", kSetList + " left-shift-mark 32"},
                   {"shift by 255", with_tail(kSet, {1, 255, 0, 0}),
                    kSetSave + " --right-shift-mark 255", kSetList + " right-shift-mark 255"},
               });
  return rules;
}

bool is_printable(const std::string &text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; });
}

// The program that reads the rules, and the revision that they have.
struct Reader {
  BackEnd back_end;
  Family family;
  Revision revision;

  std::string program_named(const std::string &verb) const {
    return program(family, (back_end == BackEnd::kLegacy ? "legacy" : "nft") + verb);
  }
};

void PrintTo(const Reader &reader, std::ostream *out) {
  *out << reader.program_named("") << ", revision " << static_cast<int>(reader.revision);
}

class HostileRulesTest : public testing::TestWithParam<Reader> {
 protected:
  void SetUp() override {
    if (CONNMARK_PLUGIN_HAS_SANITIZERS) {
      GTEST_SKIP() << "iptables cannot load a plugin with sanitizers";
    }
    if (!is_installed(program_named(""))) GTEST_SKIP() << program_named("") << " is not installed";
    if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
    const CommandResult plain = mangle("-A OUTPUT -j ACCEPT");
    if (plain.status != 0) GTEST_SKIP() << plain.err;
  }

  static Revision revision() { return GetParam().revision; }

  static std::string program_named(const std::string &verb) {
    return GetParam().program_named(verb);
  }

  // What hangs is ended, with status 124.
  CommandResult run_briefly(std::vector<std::string> argv, std::string_view input = {}) const {
    argv.insert(argv.begin(), {"timeout", "30"});
    std::vector<std::string> environment;
    if (revision() == Revision::k1) {
      environment.push_back(std::string("LD_PRELOAD=") + CONNMARK_WITHOUT_REVISION_2);
    }
    const CommandResult result = run(argv, input, environment);
    EXPECT_LT(result.status, 124) << argv[2] << " crashed or hung: " << result.err;
    EXPECT_TRUE(is_printable(result.out)) << testing::PrintToString(result.out);
    EXPECT_TRUE(is_printable(result.err)) << testing::PrintToString(result.err);
    return result;
  }

  CommandResult mangle(const std::string &arguments) const {
    return run_briefly(words(program_named("") + " -t mangle " + arguments));
  }

  void expect_ok(const std::string &arguments) const {
    const CommandResult result = mangle(arguments);
    EXPECT_EQ(result.status, 0) << arguments << ": " << result.err;
  }

  // Both ordinary rules with the hostile one between them, in an empty chain.
  // Returns what the kernel says to the latter.
  int make_rules(const HostileRule &rule) const {
    expect_ok("-F OUTPUT");
    expect_ok(std::string("-A OUTPUT ") + kBefore);
    const int error =
        append_raw_rule(GetParam().back_end, GetParam().family, revision(), rule.bytes);
    expect_ok(std::string("-A OUTPUT ") + kAfter);
    return error;
  }

  std::vector<std::string> rules() const {
    std::vector<std::string> result = lines(mangle("-S OUTPUT").out);
    if (!result.empty()) result.erase(result.begin());
    return result;
  }

  // Calls `check` for each rule that this kernel takes, with the rules made.
  template <typename Check>
  void for_each_rule(Check check) const {
    int taken = 0;
    for (const HostileRule &rule : hostile_rules(revision())) {
      SCOPED_TRACE(rule.what);
      if (make_rules(rule) != 0) continue;
      ++taken;
      check(rule);
    }
    EXPECT_GT(taken, 0) << "this kernel took no rule of the list";
  }
};

std::string rule_line(const std::string &target) { return "-A OUTPUT " + target; }

TEST_P(HostileRulesTest, KernelRefusesOnlyShiftsAndDirections) {
  for (const HostileRule &rule : hostile_rules(revision())) {
    SCOPED_TRACE(rule.what);
    const int error = make_rules(rule);
    if (error == 0) continue;
    EXPECT_EQ(error, EINVAL) << std::strerror(error);
    EXPECT_TRUE(rule.what.starts_with("shift by ") || rule.what.starts_with("direction "));
    EXPECT_EQ(rules(), (std::vector<std::string>{rule_line(kBefore), rule_line(kAfter)}));
  }
}

TEST_P(HostileRulesTest, AreShownBetweenTheirNeighbours) {
  for_each_rule([this](const HostileRule &rule) {
    const std::vector<std::string> expected = {
        rule_line(kBefore), rule_line("-j CONNMARK" + rule.save), rule_line(kAfter)};
    EXPECT_EQ(rules(), expected);

    const CommandResult saved = run_briefly({program_named("-save"), "-t", "mangle"});
    EXPECT_EQ(saved.status, 0);
    for (const std::string &line : expected) {
      EXPECT_NE(saved.out.find(line + "\n"), std::string::npos) << saved.out;
    }

    const CommandResult listed = mangle("-L OUTPUT -n");
    EXPECT_EQ(listed.status, 0);
    const std::vector<std::string> rows = lines(listed.out);
    ASSERT_EQ(rows.size(), 5U) << listed.out;
    EXPECT_TRUE(rows[2].ends_with(" CONNMARK set 0x1")) << rows[2];
    EXPECT_TRUE(rows[3].ends_with(rule.list)) << rows[3];
    EXPECT_TRUE(rows[4].ends_with(" CONNMARK save nfmask 0xf0 ctmask ~0xf")) << rows[4];
    EXPECT_EQ(mangle("-v -L OUTPUT -n --line-numbers -x").status, 0);
  });
}

TEST_P(HostileRulesTest, CanBeDeletedByNumberAndTheirNeighboursByOptions) {
  for_each_rule([this](const HostileRule &rule) {
    const std::string hostile = rule_line("-j CONNMARK" + rule.save);
    expect_ok(std::string("-C OUTPUT ") + kBefore);
    expect_ok(std::string("-C OUTPUT ") + kAfter);
    expect_ok(std::string("-D OUTPUT ") + kBefore);
    EXPECT_EQ(rules(), (std::vector<std::string>{hostile, rule_line(kAfter)}));
    expect_ok("-D OUTPUT 1");
    EXPECT_EQ(rules(), (std::vector<std::string>{rule_line(kAfter)}));
  });
}

// A rule of the same text may or may not count as the same, depending on bytes
// without effect; but no other rule may be deleted for it.
TEST_P(HostileRulesTest, AreNotMistakenForTheirNeighbours) {
  for_each_rule([this](const HostileRule &rule) {
    if (rule.save == kUnknown) return;
    const std::string same_text = "OUTPUT -j CONNMARK" + rule.save;
    EXPECT_LE(mangle("-C " + same_text).status, 1);
    const int deleted = mangle("-D " + same_text).status;
    EXPECT_LE(deleted, 1);
    std::vector<std::string> left = {rule_line(kBefore), rule_line("-j CONNMARK" + rule.save),
                                     rule_line(kAfter)};
    if (deleted == 0) left.erase(left.begin() + 1);
    EXPECT_EQ(rules(), left);
  });
}

// A dump with an unknown mode cannot be loaded; the attempt must change nothing.
TEST_P(HostileRulesTest, ADumpRestoresThemOrChangesNothing) {
  for_each_rule([this](const HostileRule &rule) {
    const std::vector<std::string> before = rules();
    const std::string dump = run_briefly({program_named("-save"), "-t", "mangle"}).out;
    const CommandResult restored = run_briefly({program_named("-restore")}, dump);
    EXPECT_EQ(restored.status == 0, rule.save != kUnknown) << restored.err;
    EXPECT_EQ(rules(), before);
  });
}

// nft does not list legacy tables.
class HostileRulesInNftTest : public HostileRulesTest {};

TEST_P(HostileRulesInNftTest, AreListed) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  for_each_rule([this](const HostileRule &rule) {
    const CommandResult listed = run_briefly({"nft", "list", "ruleset"});
    EXPECT_EQ(listed.status, 0) << listed.err;
    const std::vector<std::string> rows = lines(listed.out);
    ASSERT_EQ(rows.size(), 8U) << listed.out;
    EXPECT_TRUE(rows[3].ends_with(" ct mark set 0x1")) << rows[3];
    EXPECT_EQ(rows[4].find("xt target") != std::string::npos, rule.save == kUnknown) << rows[4];
    EXPECT_NE(rows[5].find(" ct mark set ct mark and 0xfffffff0"), std::string::npos) << rows[5];
  });
}

// On this kernel as it is, a rule of an older revision is shown by the program
// alone, with whichever plugin.
class OlderRevisionTest : public HostileRulesTest {};

TEST_P(OlderRevisionTest, IsShownAsWithStock) {
  const std::vector<std::string> show = words("timeout 30 " + program_named("") + " -t mangle -S");
  for_each_rule([&](const HostileRule &) {
    const CommandResult ours = run(show);
    const CommandResult stocks = run(show, "", {"XTABLES_LIBDIR=" + stock_plugin_folder()});
    EXPECT_EQ(ours.status, stocks.status) << ours.err;
    EXPECT_EQ(ours.out, stocks.out);
  });
}

std::string reader_name(const testing::TestParamInfo<Reader> &info) {
  std::string name = info.param.program_named("");
  std::replace(name.begin(), name.end(), '-', '_');
  return name + "_revision_" + std::to_string(static_cast<int>(info.param.revision));
}

std::vector<Reader> readers(std::initializer_list<BackEnd> back_ends,
                            std::initializer_list<Revision> revisions) {
  std::vector<Reader> result;
  for (const BackEnd back_end : back_ends) {
    for (const Family family : kFamilies) {
      for (const Revision revision : revisions) result.push_back({back_end, family, revision});
    }
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(, HostileRulesTest,
                         testing::ValuesIn(readers({BackEnd::kLegacy, BackEnd::kNft},
                                                   {Revision::k1, Revision::k2})),
                         reader_name);
INSTANTIATE_TEST_SUITE_P(, HostileRulesInNftTest,
                         testing::ValuesIn(readers({BackEnd::kNft}, {Revision::k1, Revision::k2})),
                         reader_name);
INSTANTIATE_TEST_SUITE_P(, OlderRevisionTest,
                         testing::ValuesIn(readers({BackEnd::kLegacy, BackEnd::kNft},
                                                   {Revision::k1})),
                         reader_name);

}  // namespace
}  // namespace connmark::test
