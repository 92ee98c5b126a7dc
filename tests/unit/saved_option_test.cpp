// SPDX-License-Identifier: GPL-2.0-or-later
//
// The short way of src/saved_option.h against the long one, and both against the
// table of what the options mean.
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "support/random_rules.h"
#include "unit/option_sequence.h"

namespace connmark::test {
namespace {

constexpr int kSequences = 100000;
constexpr Revision kRevisions[] = {Revision::k1, Revision::k2};

std::string number(RandomRules &random, bool saved, std::uint32_t value) {
  char text[24];
  constexpr const char *kFormats[] = {"%u", "0%o", "0X%x", "0x%08x", "0x%x", "+%u", "%ux", "-%u"};
  std::snprintf(text, sizeof text, saved ? "0x%x" : kFormats[random.below(8)], value);
  return text;
}

// One to six options of the revision; half of the sequences have numbers as
// iptables-save writes them.
std::vector<GivenOption> random_sequence(RandomRules &random, Revision revision) {
  const bool saved = random.one_in(2);
  const auto ids = static_cast<std::uint32_t>(
      revision == Revision::k1 ? static_cast<std::size_t>(OptionId::kLeftShiftMark) : kOptionCount);
  std::vector<GivenOption> sequence(1 + random.below(6));
  for (GivenOption &given : sequence) {
    given.id = static_cast<OptionId>(random.below(ids));
    switch (option(given.id).argument) {
      case Argument::kNone:
        break;
      case Argument::kMark:
        given.argument = number(random, saved, random.mark());
        break;
      case Argument::kMarkAndMask:
        given.argument = number(random, saved, random.mark());
        if (saved || random.one_in(2)) given.argument += "/" + number(random, saved, random.mark());
        break;
      case Argument::kShiftBits:
        given.argument = number(random, saved, random.below(34));
        break;
    }
    given.inverted = random.one_in(20);
    given.forgets = random.one_in(2);
  }
  return sequence;
}

// Bytes and flags of any kind.
KeptRule random_kept_rule(RandomRules &random) {
  KeptRule rule;
  for (unsigned char &byte : rule.bytes) byte = static_cast<unsigned char>(random.below(256));
  if (random.one_in(4)) rule.flags = random.mark();
  return rule;
}

KeptRule read_all(const std::vector<GivenOption> &sequence) {
  KeptRule rule;
  encode<Revision::k2>(Operation{}, rule.bytes.data());
  for (const GivenOption &given : sequence) {
    EXPECT_TRUE(read_as_the_plugin(Revision::k2, given, rule)) << to_string(given);
  }
  return rule;
}

GivenOption forgetting(OptionId id, std::string argument = "") {
  return {id, std::move(argument), false, true};
}

TEST(SavedOptionTest, ChangesWhatTheLongWayChanges) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("CONNMARK_SEED=" + std::to_string(seed));
  RandomRules random(seed);
  for (int i = 0; i < kSequences; ++i) {
    for (const Revision revision : kRevisions) {
      KeptRule rule = random_kept_rule(random);
      for (const GivenOption &given : random_sequence(random, revision)) {
        const KeptRule before = rule;
        KeptRule expected = rule;
        const bool taken = read_the_long_way(revision, given, expected);
        ASSERT_EQ(read_as_the_plugin(revision, given, rule), taken)
            << to_string(given) << " on " << to_string(before);
        ASSERT_EQ(rule, expected) << to_string(given) << " on " << to_string(before) << " gives "
                                  << to_string(rule) << ", not " << to_string(expected);
        ASSERT_EQ(rule.bytes, taken ? by_the_table(revision, given, before) : before.bytes)
            << to_string(given) << " on " << to_string(before) << " gives " << to_string(rule);
      }
    }
  }
}

// As python-iptables does.
TEST(SavedOptionTest, KeepsMasksAndShiftForACallerThatForgets) {
  const KeptRule restore =
      read_all({forgetting(OptionId::kCtmask, "0xff"), forgetting(OptionId::kNfmask, "0xf"),
                forgetting(OptionId::kRestoreMark)});
  EXPECT_EQ(decode<Revision::k2>(restore.bytes.data()), restore_mark(0xf, 0xff));
  const KeptRule save =
      read_all({forgetting(OptionId::kLeftShiftMark, "8"), forgetting(OptionId::kMask, "0xff"),
                forgetting(OptionId::kSaveMark)});
  EXPECT_EQ(decode<Revision::k2>(save.bytes.data()),
            with_shift(save_mark(0xff, 0xff), Direction::kLeft, 8));
  const KeptRule set =
      read_all({forgetting(OptionId::kRightShiftMark, "8"), forgetting(OptionId::kNfmask, "0xff"),
                forgetting(OptionId::kSetXmark, "0x1/0x3")});
  EXPECT_EQ(decode<Revision::k2>(set.bytes.data()),
            with_shift(set_xmark(1, 3), Direction::kRight, 8));
}

}  // namespace
}  // namespace connmark::test
