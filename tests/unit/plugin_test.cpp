// SPDX-License-Identifier: GPL-2.0-or-later
//
// Drives libxtables and the plugin's callbacks as iptables does: getopt over
// the merged option table, xtables_option_tpcall for each option,
// xtables_option_tfcall behind the last, then save, print and xlate.
#include <getopt.h>
#include <gtest/gtest.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_connmark.h>
#include <xtables.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "connmark/options.h"
#include "support/command.h"
#include "support/random_rules.h"

extern "C" {
void libxt_CONNMARK_init();

// The linker puts the second in place of the plugin's call of the first (see
// CMakeLists.txt).  libxtables itself hides all but the highest revision.
void __real_xtables_register_targets(xtables_target *targets, unsigned int count);
void __wrap_xtables_register_targets(xtables_target *targets, unsigned int count);
}

namespace connmark::test {
namespace {

std::span<xtables_target> registered;

// ---- libxtables as iptables sets it up

struct Refusal {
  int status = 0;
  std::string message;
};

std::jmp_buf before_call;
Refusal refusal;

// Stands for the function of iptables that ends the program.
[[gnu::noreturn, gnu::format(printf, 2, 3)]] void refuse(xtables_exittype status,
                                                         const char *format, ...) {
  char message[1024];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  refusal.status = status;
  refusal.message = message;
  std::longjmp(before_call, 1);
}

// Makes the call and returns whether it was refused.
bool is_refused(const std::function<void()> &call) {
  refusal = {};
  if (setjmp(before_call) != 0) return true;
  call();
  return false;
}

constexpr unsigned kRevisions1And2 = 0b110;
constexpr unsigned kRevision1 = 0b010;
unsigned kernel_revisions = kRevisions1And2;

int kernel_has(const char *, std::uint8_t revision, int) {
  return kernel_revisions >> revision & 1;
}

::option no_options[] = {{nullptr, 0, nullptr, 0}};

xtables_globals globals{.option_offset = 0,
                        .program_name = "unit",
                        .program_version = "1",
                        .orig_opts = no_options,
                        .opts = nullptr,
                        .exit_err = refuse,
                        .compat_rev = kernel_has};

std::span<xtables_target> registered_targets() {
  if (registered.empty()) {
    xtables_init_all(&globals, NFPROTO_IPV4);
    libxt_CONNMARK_init();
  }
  return registered;
}

const xtables_target &target(int revision) {
  for (const xtables_target &each : registered_targets()) {
    if (each.revision == revision) return each;
  }
  throw std::out_of_range("no such revision");
}

// ---- One rule's target, as iptables holds it

std::string printed(const std::function<void()> &call) {
  testing::internal::CaptureStdout();
  call();
  return testing::internal::GetCapturedStdout();
}

using Data = std::array<unsigned char, 16>;

class Rule {
 public:
  explicit Rule(int revision)
      : target_(target(revision)), memory_(sizeof(xt_entry_target) + target_.size) {
    target_.t = entry();
    target_.init(entry());
  }
  Rule(int revision, const Data &data) : Rule(revision) {
    std::memcpy(entry()->data, data.data(), data.size());
  }
  Rule(const Rule &) = delete;
  Rule &operator=(const Rule &) = delete;
  ~Rule() { xtables_free_opts(1); }

  // Reads the options, words between blanks.  Returns whether they are taken;
  // if not, `refusal` tells why.
  bool read(const std::string &line) {
    globals.opts = xtables_merge_options(globals.orig_opts, globals.opts, target_.extra_opts,
                                         &target_.option_offset);
    std::vector<std::string> arguments = words("iptables " + line);
    std::vector<char *> argv;
    for (std::string &each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    optind = 0;
    opterr = 0;
    return !is_refused([&] {
      read_options(static_cast<int>(arguments.size()), argv.data());
      xtables_option_tfcall(&target_);
    });
  }

  Data data() const {
    Data data;
    std::memcpy(data.data(), entry()->data, data.size());
    return data;
  }

  // These print.
  void save() const { target_.save(nullptr, entry()); }
  void list() const { target_.print(nullptr, entry(), 0); }

  std::string saved() const {
    return printed([this] { save(); });
  }

  std::string listed() const {
    return printed([this] { list(); });
  }

  // "" where the translation is declined.
  std::string translated() const {
    xt_xlate *xlate = xt_xlate_alloc(1024);
    xt_xlate_tg_params parameters{};
    parameters.target = entry();
    const int answer = target_.xlate(xlate, &parameters);
    const std::string text = xt_xlate_get(xlate);
    xt_xlate_free(xlate);
    EXPECT_EQ(answer, text.empty() ? 0 : 1);
    return text;
  }

 private:
  // Holds nothing that longjmp would have to destroy.
  void read_options(int argc, char **argv) {
    bool inverted = false;
    for (int c; (c = getopt_long(argc, argv, "-:", globals.opts, nullptr)) != -1;) {
      if (c == '?' || c == ':') refuse(OTHER_PROBLEM, "getopt refuses %s", argv[optind - 1]);
      if (c == 1) {
        inverted = std::strcmp(optarg, "!") == 0;
        continue;
      }
      xtables_option_tpcall(static_cast<unsigned>(c), argv, inverted, &target_, nullptr);
      inverted = false;
    }
  }

  xt_entry_target *entry() { return reinterpret_cast<xt_entry_target *>(memory_.data()); }
  const xt_entry_target *entry() const {
    return reinterpret_cast<const xt_entry_target *>(memory_.data());
  }

  xtables_target target_;
  std::vector<unsigned char> memory_;
};

// What iptables-save would print of these options, or why they are refused.
std::string outcome(int revision, const std::string &options) {
  Rule rule(revision);
  return rule.read(options) ? rule.saved() : refusal.message;
}

// What reading these options writes to stderr.
std::string warnings_of(int revision, const std::string &options) {
  Rule rule(revision);
  testing::internal::CaptureStderr();
  const bool taken = rule.read(options);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(taken) << refusal.message;
  return text;
}

// Tests that hold for both revisions; the parameter is the revision.
class PluginTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Revision, PluginTest, testing::Values(1, 2),
                         testing::PrintToStringParamName());

// ---- What is registered

TEST(PluginRegistrationTest, OffersRevisions1And2) {
  ASSERT_EQ(registered_targets().size(), 2U);
  EXPECT_EQ(registered_targets()[0].revision, 1);
  EXPECT_EQ(registered_targets()[1].revision, 2);
}

TEST_P(PluginTest, IsTheTargetThatTheKernelKnows) {
  const xtables_target &plugin = target(GetParam());
  EXPECT_STREQ(plugin.version, XTABLES_VERSION);
  EXPECT_STREQ(plugin.name, "CONNMARK");
  EXPECT_EQ(plugin.family, NFPROTO_UNSPEC);
  EXPECT_EQ(plugin.size, 16U);
  EXPECT_EQ(plugin.userspacesize, sizeof(xt_connmark_tginfo1));
  EXPECT_EQ(plugin.real_name, nullptr);
  EXPECT_EQ(plugin.ext_flags, 0);
  EXPECT_EQ(plugin.udata_size, 0U);
}

// struct xt_option_entry differs between releases of one library version.
TEST_P(PluginTest, DoesNotUseTheX6Parser) {
  const xtables_target &plugin = target(GetParam());
  EXPECT_EQ(plugin.x6_options, nullptr);
  EXPECT_EQ(plugin.x6_parse, nullptr);
  EXPECT_EQ(plugin.x6_fcheck, nullptr);
}

TEST_P(PluginTest, HasTheOptionsOfItsRevision) {
  OptionSet offered = 0;
  for (const ::option *entry = target(GetParam()).extra_opts; entry->name != nullptr; ++entry) {
    ASSERT_GE(entry->val, 0);
    ASSERT_LT(entry->val, static_cast<int>(kOptionCount));
    const Option &each = option(static_cast<OptionId>(entry->val));
    EXPECT_STREQ(entry->name, each.name.c_str());
    EXPECT_EQ(entry->has_arg, each.argument == Argument::kNone ? no_argument : required_argument);
    EXPECT_EQ(entry->flag, nullptr);
    EXPECT_EQ(offered & bit(each.id), 0U) << each.name.c_str() << " stands twice";
    offered |= bit(each.id);
  }
  EXPECT_EQ(offered, GetParam() == 1 ? kAllOptions & ~kShifts : kAllOptions);
}

// In a process of its own, since libxtables registers a plugin once; the exit
// status is kFound plus the revision.
constexpr int kFound = 100;

[[noreturn]] void exit_with_revision_found(std::uint8_t family, unsigned in_the_kernel) {
  kernel_revisions = in_the_kernel;
  xtables_init_all(&globals, family);
  libxt_CONNMARK_init();
  __real_xtables_register_targets(registered.data(), static_cast<unsigned>(registered.size()));
  const xtables_target *found = xtables_find_target("CONNMARK", XTF_DONT_LOAD);
  std::exit(found == nullptr ? kFound : kFound + found->revision);
}

TEST(PluginDeathTest, IsFoundInTheHighestRevisionThatTheKernelHas) {
  for (const int family : {NFPROTO_IPV4, NFPROTO_IPV6}) {
    const auto protocol = static_cast<std::uint8_t>(family);
    EXPECT_EXIT(exit_with_revision_found(protocol, kRevisions1And2),
                testing::ExitedWithCode(kFound + 2), "^$");
    EXPECT_EXIT(exit_with_revision_found(protocol, kRevision1), testing::ExitedWithCode(kFound + 1),
                "^$");
  }
}

// ---- From options to bytes

TEST_P(PluginTest, StartsWithAllMaskBits) {
  EXPECT_EQ(Rule(GetParam()).data(),
            (Data{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

TEST_P(PluginTest, ReadsEachOption) {
  const int revision = GetParam();
  EXPECT_EQ(outcome(revision, "--set-xmark 0x10/0x3"), " --set-xmark 0x10/0x3");
  EXPECT_EQ(outcome(revision, "--set-mark 0x10/0x3"), " --set-xmark 0x10/0x13");
  EXPECT_EQ(outcome(revision, "--and-mark 0xff"), " --set-xmark 0x0/0xffffff00");
  EXPECT_EQ(outcome(revision, "--or-mark 0xff"), " --set-xmark 0xff/0xff");
  EXPECT_EQ(outcome(revision, "--xor-mark 0xff"), " --set-xmark 0xff/0x0");
  EXPECT_EQ(outcome(revision, "--save-mark --nfmask 1 --ctmask 2"),
            " --save-mark --nfmask 0x1 --ctmask 0x2");
  EXPECT_EQ(outcome(revision, "--restore-mark --mask 3"),
            " --restore-mark --nfmask 0x3 --ctmask 0x3");
}

TEST(PluginShiftTest, IsReadByRevision2) {
  EXPECT_EQ(outcome(2, "--save-mark --left-shift-mark 3"),
            " --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 3");
  EXPECT_EQ(outcome(2, "--right-shift-mark 31 --set-mark 1"),
            " --set-xmark 0x1/0xffffffff --right-shift-mark 31");
}

TEST(PluginShiftTest, IsNoOptionOfRevision1) {
  EXPECT_EQ(outcome(1, "--save-mark --left-shift-mark 3"), "getopt refuses --left-shift-mark");
  EXPECT_EQ(outcome(1, "--save-mark --right-shift-mark 3"), "getopt refuses --right-shift-mark");
}

TEST_P(PluginTest, ReadsWhatGetoptReads) {
  const int revision = GetParam();
  EXPECT_EQ(outcome(revision, "--set-x=1/2"), " --set-xmark 0x1/0x2");
  EXPECT_EQ(outcome(revision, "--res --nf 1 --ctm=2"), " --restore-mark --nfmask 0x1 --ctmask 0x2");
  EXPECT_EQ(outcome(revision, "--set 1"), "getopt refuses --set");
  EXPECT_EQ(outcome(revision, "--set-mark"), "getopt refuses --set-mark");
}

TEST_P(PluginTest, WritesTheSameBytesForTheSameEffect) {
  const auto bytes = [](const std::string &options) {
    Rule rule(GetParam());
    testing::internal::CaptureStderr();
    EXPECT_TRUE(rule.read(options)) << refusal.message;
    testing::internal::GetCapturedStderr();
    return rule.data();
  };
  EXPECT_EQ(bytes("--set-mark 1 --nfmask 2"), bytes("--set-xmark 1/0xffffffff"));
  EXPECT_EQ(bytes("--nfmask 2 --or-mark 1"), bytes("--set-xmark 1/1"));
  EXPECT_EQ(bytes("--set-mark 1 --mask 2"), bytes("--set-xmark 1/2"));
  EXPECT_EQ(bytes("--mask 2 --save-mark"), bytes("--save-mark --ctmask 2 --nfmask 2"));
  if (GetParam() == 2) {
    EXPECT_EQ(bytes("--save-mark --right-shift-mark 0"), bytes("--save-mark"));
    EXPECT_EQ(bytes("--right-shift-mark 0 --set-mark 1"), bytes("--set-mark 1"));
  }
}

// The rules that iptables-save writes are read in a shorter way than all others,
// for which a 0X is enough.
TEST_P(PluginTest, ReadsSavedRulesAsItReadsAllOthers) {
  std::vector<std::string> options{"--save-mark", "--restore-mark"};
  const char *const arguments[] = {
      "0x0", "0xff", "0xabcdef98", "0x0123",          "0x000000001", "0x100000000", "0x",
      "0xg", "0x1/", "0x1/0x2",    "0x1/0xfffffffff", "0x1/0x2/0x3", "0x1x"};
  for (const char *const argument : arguments) {
    for (const char *const option : {"--set-xmark ", "--nfmask ", "--ctmask "}) {
      options.push_back(std::string(option) + argument);
    }
  }
  const auto result = [](const std::string &line) {
    Rule rule(GetParam());
    testing::internal::CaptureStderr();
    const bool taken = rule.read(line);
    const std::string warnings = testing::internal::GetCapturedStderr();
    return std::pair(rule.data(), warnings + (taken ? rule.saved() : refusal.message));
  };
  const auto replaced = [](std::string text, const char *from, const char *to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos;) text.replace(at, 2, to);
    return text;
  };
  const auto expect_same = [&](const std::string &line) {
    const auto [bytes, text] = result(line);
    const auto [expected_bytes, expected_text] = result(replaced(line, "0x", "0X"));
    EXPECT_EQ(bytes, expected_bytes) << line;
    EXPECT_EQ(text, replaced(expected_text, "0X", "0x")) << line;
  };
  for (const std::string &first : options) {
    expect_same(first);
    for (const std::string &second : options) {
      expect_same(first + " " + second);
      for (const char *const third :
           {"--nfmask 0x7", "--ctmask 0x7", "--set-xmark 0x7/0x7", "--save-mark"}) {
        expect_same(first + " " + second + " " + third);
      }
    }
  }
}

TEST_P(PluginTest, AnswersNoToOptionsThatAreNotItsOwn) {
  alignas(xt_entry_target) unsigned char memory[sizeof(xt_entry_target) + 16] = {};
  auto *entry = reinterpret_cast<xt_entry_target *>(memory);
  const std::vector<unsigned char> before(std::begin(memory), std::end(memory));
  optarg = const_cast<char *>("0x1");
  const int count = static_cast<int>(GetParam() == 1 ? kOptionCount - 2 : kOptionCount);
  for (const int c : {count, count + 1, 63, 255, 256, 256 + 5, -1, -256}) {
    for (const int inverted : {0, 1}) {
      unsigned int flags = 0;
      EXPECT_EQ(target(GetParam()).parse(c, nullptr, inverted, &flags, nullptr, &entry), 0) << c;
      EXPECT_EQ(flags, 0U) << c;
      EXPECT_TRUE(std::equal(before.begin(), before.end(), memory)) << c;
    }
  }
}

TEST_P(PluginTest, ReadsBackWhatItSaves) {
  const std::uint64_t seed = random_seed();
  RandomRules random(seed);
  for (int i = 0; i < 300; ++i) {
    Operation op = random.operation();
    if (GetParam() == 1) op.shift = {};
    const std::string options = options_for(op);
    Rule rule(GetParam());
    ASSERT_TRUE(rule.read(options)) << "CONNMARK_SEED=" << seed << " " << refusal.message;
    ASSERT_EQ(rule.saved(), " " + options) << "CONNMARK_SEED=" << seed;
  }
}

// ---- What is refused, and what is warned of

TEST_P(PluginTest, RefusesAsAProblemWithAParameter) {
  const int revision = GetParam();
  const struct {
    const char *options;
    const char *message;
  } cases[] = {
      {"",
       "CONNMARK: no operation, give one of --set-xmark, --save-mark, --restore-mark, "
       "--set-mark, --and-mark, --or-mark, --xor-mark"},
      {"! --set-mark 1", "CONNMARK: --set-mark: \"!\" makes no sense here, leave it out"},
      {"--save-mark ! --mask 1", "CONNMARK: --mask: \"!\" makes no sense here, leave it out"},
      {"--set-mark 1 --set-mark 1", "CONNMARK: --set-mark: given twice, give it once"},
      {"--set-mark 1 --save-mark",
       "CONNMARK: --save-mark: conflicts with --set-mark, give one operation"},
      {"--save-mark --mask 1 --ctmask 1",
       "CONNMARK: --ctmask: conflicts with --mask, give either --mask or --nfmask and --ctmask"},
      {"--set-mark 1/x",
       "CONNMARK: --set-mark: \"1/x\" is not a mark, give VALUE or VALUE/MASK, "
       "each 0 to 0xffffffff"},
      {"--and-mark 08",
       "CONNMARK: --and-mark: \"08\" is not an unsigned number, give 0 to 0xffffffff"},
      {"--or-mark 4294967296",
       "CONNMARK: --or-mark: \"4294967296\" is out of range, give 0 to 0xffffffff"},
      {"--set-mark %s%n",
       "CONNMARK: --set-mark: \"%s%n\" is not a mark, give VALUE or VALUE/MASK, "
       "each 0 to 0xffffffff"},
  };
  for (const auto &[options, message] : cases) {
    Rule rule(revision);
    EXPECT_FALSE(rule.read(options)) << options;
    EXPECT_EQ(refusal.status, PARAMETER_PROBLEM) << options;
    EXPECT_EQ(refusal.message, message);
  }
}

TEST(PluginShiftTest, IsRefusedAbove31AndTwice) {
  EXPECT_EQ(outcome(2, "--save-mark --left-shift-mark 32"),
            "CONNMARK: --left-shift-mark: \"32\" is out of range, give 0 to 31");
  EXPECT_EQ(refusal.status, PARAMETER_PROBLEM);
  EXPECT_EQ(outcome(2, "--save-mark --left-shift-mark 1 --right-shift-mark 1"),
            "CONNMARK: --right-shift-mark: conflicts with --left-shift-mark, "
            "give one or the other");
  EXPECT_EQ(refusal.status, PARAMETER_PROBLEM);
}

TEST_P(PluginTest, KeepsTheBytesOfARefusedOption) {
  Rule rule(GetParam());
  const Data before = rule.data();
  EXPECT_FALSE(rule.read("--set-mark 1x"));
  EXPECT_EQ(rule.data(), before);
}

TEST_P(PluginTest, WarnsOnStderr) {
  const int revision = GetParam();
  EXPECT_EQ(warnings_of(revision, "--set-mark 1 --mask 0xff"),
            "CONNMARK: --mask: replaces the mask of --set-mark before it, "
            "write --set-xmark 0x1/0xff\n");
  EXPECT_EQ(warnings_of(revision, "--mask 0xff --set-mark 1"),
            "CONNMARK: --mask: has no effect on --set-mark, leave it out, "
            "or to set some bits only write --set-mark VALUE/MASK\n");
}

// The callbacks have to remember a warning from one option to the end.
TEST_P(PluginTest, WarnsOnce) {
  EXPECT_EQ(warnings_of(GetParam(), "--nfmask 1 --set-mark 1 --ctmask 2"),
            "CONNMARK: --ctmask: replaces the mask of --set-mark before it, "
            "write --set-xmark 0x1/0x2\n");
  EXPECT_EQ(warnings_of(GetParam(), "--set-mark 1 --ctmask 2 --nfmask 1"),
            "CONNMARK: --ctmask: replaces the mask of --set-mark before it, "
            "write --set-xmark 0x1/0x2\n");
}

TEST_P(PluginTest, PlainRulesWarnOfNothing) {
  for (const char *options :
       {"--set-mark 1", "--set-xmark 1/2", "--and-mark 1", "--or-mark 1", "--xor-mark 1",
        "--save-mark --mask 1", "--nfmask 1 --ctmask 2 --restore-mark"}) {
    EXPECT_EQ(warnings_of(GetParam(), options), "") << options;
  }
}

// ---- From bytes to text

TEST_P(PluginTest, ListsForPeople) {
  Rule rule(GetParam());
  ASSERT_TRUE(rule.read("--restore-mark --nfmask 1 --ctmask 2"));
  EXPECT_EQ(rule.listed(), " CONNMARK restore ctmask 0x2 nfmask ~0x1");
}

TEST_P(PluginTest, TranslatesToNft) {
  Rule rule(GetParam());
  ASSERT_TRUE(rule.read("--set-mark 0x16/0xff"));
  EXPECT_EQ(rule.translated(), "ct mark set ct mark and 0xffffff00 or 0x16");
}

TEST_P(PluginTest, HelpIsThatOfItsRevision) {
  const std::string help = printed(target(GetParam()).help);
  EXPECT_TRUE(help.starts_with("CONNMARK target options:\n  --set-xmark value[/mask] ")) << help;
  EXPECT_EQ(help.find("shift-mark") != std::string::npos, GetParam() == 2) << help;
}

// ---- Whatever a kernel may hand back

// The fields of `data`, by the kernel's header.
Operation fields(int revision, const Data &data) {
  if (revision == 1) {
    xt_connmark_tginfo1 info;
    std::memcpy(&info, data.data(), sizeof info);
    return {static_cast<Mode>(info.mode), info.ctmark, info.ctmask, info.nfmask, {}};
  }
  xt_connmark_tginfo2 info;
  std::memcpy(&info, data.data(), sizeof info);
  return {
      static_cast<Mode>(info.mode),
      info.ctmark,
      info.ctmask,
      info.nfmask,
      {info.shift_dir == D_SHIFT_RIGHT ? Direction::kRight : Direction::kLeft, info.shift_bits}};
}

const std::string kUnknownMode = " ERROR: UNKNOWN CONNMARK MODE";

void expect_bytes_are_survived(int revision, const std::vector<Data> &all) {
  std::string expected;
  for (const Data &data : all) {
    const Operation op = fields(revision, data);
    expected += (is_known(op.mode) ? " " + options_for(op) : kUnknownMode) + "\n";
  }
  const std::string saves = printed([&] {
    for (const Data &data : all) {
      Rule(revision, data).save();
      std::putchar('\n');
    }
  });
  EXPECT_EQ(saves, expected);

  const std::vector<std::string> lists = lines(printed([&] {
    for (const Data &data : all) {
      Rule(revision, data).list();
      std::putchar('\n');
    }
  }));
  ASSERT_EQ(lists.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Operation op = fields(revision, all[i]);
    if (!is_known(op.mode)) {
      EXPECT_EQ(lists[i], kUnknownMode);
      EXPECT_EQ(Rule(revision, all[i]).translated(), "");
      continue;
    }
    EXPECT_TRUE(lists[i].starts_with(" CONNMARK ")) << lists[i];
    const std::string shift = (op.shift.direction == Direction::kRight ? " right" : " left") +
                              std::string("-shift-mark ") + std::to_string(op.shift.bits);
    EXPECT_EQ(lists[i].ends_with(shift), op.shift.bits != 0) << lists[i];
    EXPECT_EQ(Rule(revision, all[i]).translated().empty(), op.shift.bits > 31) << lists[i];
  }
}

TEST_P(PluginTest, SurvivesEveryValueOfTheLastBytes) {
  std::vector<Data> all;
  for (unsigned value = 0; value < 256; ++value) {
    for (const std::size_t place : {12U, 13U, 14U, 15U}) {
      for (const int others : {0, 1, 2, 3, 31, 32, 255}) {
        Data data{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x0f, 0xf0, 0x55, 0xaa};
        std::fill(data.begin() + 12, data.end(), static_cast<unsigned char>(others));
        data[place] = static_cast<unsigned char>(value);
        all.push_back(data);
      }
    }
  }
  expect_bytes_are_survived(GetParam(), all);
}

TEST_P(PluginTest, SurvivesRandomBytes) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("CONNMARK_SEED=" + std::to_string(seed));
  RandomRules random(seed);
  std::vector<Data> all(5000);
  for (Data &data : all) {
    for (unsigned char &byte : data) byte = static_cast<unsigned char>(random.below(256));
    // Else nearly all modes would be unknown.
    for (const std::size_t mode : {12U, 14U}) {
      if (!random.one_in(8)) data[mode] = static_cast<unsigned char>(random.below(4));
    }
  }
  expect_bytes_are_survived(GetParam(), all);
}

}  // namespace
}  // namespace connmark::test

void __wrap_xtables_register_targets(xtables_target *targets, unsigned int count) {
  connmark::test::registered = {targets, count};
}
