// SPDX-License-Identifier: GPL-2.0-or-later
//
// The edge to libxtables: it hands bytes in, and texts or new bytes out.  All
// that is to be decided is decided behind the headers of include/connmark.
//
// The getopt callbacks (parse, final_check, extra_opts) are used, not the "x6"
// ones: struct xt_option_entry of the latter grew in iptables 1.8.11 under an
// unchanged library version, and a plugin built before that crashes after it.
#include <getopt.h>
#include <xtables.h>

#include <array>
#include <cstdio>

#include "connmark/help.h"
#include "connmark/list.h"
#include "connmark/parse.h"
#include "connmark/save.h"
#include "connmark/translate.h"
#include "connmark/wire.h"
#include "saved_option.h"

// Loaded by libxtables, the plugin registers itself; a program that links it
// statically calls libxt_CONNMARK_init by name, and only once.
#ifdef CONNMARK_STATIC
#define CONNMARK_INIT_ATTRIBUTE
#else
#define CONNMARK_INIT_ATTRIBUTE [[gnu::constructor]]
#endif

namespace connmark {
namespace {

// Does not return for an error: libxtables ends the program, or the line of an
// iptables-restore input, with exit status 2.
[[gnu::cold, gnu::noinline]] void report(const Diagnosis &diagnosis, const Operation &op) {
  TextBuffer text = describe(diagnosis, op);
  if (is_error(diagnosis.fault)) xtables_error(PARAMETER_PROBLEM, "%s", text.c_str());
  text.add('\n');
  fwrite_unlocked(text.data(), 1, text.size(), stderr);
}

// iptables has one thread, so there is nobody to lock stdout against.
void print(const TextBuffer &text) { fwrite_unlocked(text.data(), 1, text.size(), stdout); }

// Revision 1 lacks the shifts, which are the last options of the table.
constexpr std::size_t kUnshiftedOptionCount = static_cast<std::size_t>(OptionId::kLeftShiftMark);
static_assert(kShifts >> kUnshiftedOptionCount << kUnshiftedOptionCount == kShifts);

constexpr std::size_t option_count(Revision revision) {
  return revision == Revision::k1 ? kUnshiftedOptionCount : kOptionCount;
}

// The callbacks of the two revisions are one code: what a template makes of
// each is a jump.

[[gnu::noinline]] void print_list(Revision revision, const xt_entry_target &target) {
  print(list_text(decode(revision, target.data)));
}

[[gnu::cold, gnu::noinline]] int add_translation(Revision revision, xt_xlate *xl,
                                                 const xt_entry_target &target) {
  TextBuffer text;
  if (!translate(decode(revision, target.data), text)) return 0;
  xt_xlate_add(xl, "%s", text.c_str());
  return 1;
}

// python-iptables has none at all where its user gave an empty one.
const char *argument_of_option() { return optarg != nullptr ? optarg : ""; }

template <Revision revision>
void help() {
  print_help(revision, stdout);
}

template <Revision revision>
void init(xt_entry_target *target) {
  encode<revision>(Operation{}, target->data);
}

[[gnu::cold, gnu::noinline]] int parse_any(Revision revision, OptionId id, bool inverted,
                                           unsigned int &flags, xt_entry_target &target) {
  Progress progress = to_progress(flags);
  Operation op = decode(revision, target.data);
  const Diagnosis diagnosis = parse_option(id, argument_of_option(), inverted, progress, op);
  if (diagnosis.fault != Fault::kNone) report(diagnosis, op);
  encode(revision, op, target.data);
  flags = to_number(progress);
  return 1;
}

[[gnu::cold, gnu::noinline]] void report_end(Progress progress) { report(parse_end(progress), {}); }

// Answers 0 to what is no option of the revision, as a caller expects of a plugin
// that is asked about another's.
template <Revision revision>
int parse(int c, char **, int invert, unsigned int *flags, const void *, xt_entry_target **target) {
  if (static_cast<unsigned int>(c) >= option_count(revision)) return 0;
  const auto id = static_cast<OptionId>(c);
  if (invert != 0) return parse_any(revision, id, true, *flags, **target);
  if (read_saved_option<revision>(id, argument_of_option(), *flags, (*target)->data)) return 1;
  return parse_any(revision, id, false, *flags, **target);
}

void final_check(unsigned int flags) {
  const Progress progress = to_progress(flags);
  if (!is_complete(progress)) report_end(progress);
}

template <Revision revision>
void list(const void *, const xt_entry_target *target, int) {
  print_list(revision, *target);
}

template <Revision revision>
void save(const void *, const xt_entry_target *target) {
  print(save_text(decode<revision>(target->data)));
}

template <Revision revision>
int xlate(xt_xlate *xl, const xt_xlate_tg_params *params) {
  return add_translation(revision, xl, *params->target);
}

// getopt_long compares an option that it meets with the names from the front.
// These, which iptables-save writes, are therefore in the order of their number.
constexpr OptionId kFirstOptions[] = {OptionId::kSetXmark, OptionId::kNfmask, OptionId::kCtmask,
                                      OptionId::kSaveMark, OptionId::kRestoreMark};
static_assert(
    [] {
      OptionSet first = 0;
      for (const OptionId id : kFirstOptions) first |= bit(id);
      return first == (OptionSet{1} << std::size(kFirstOptions)) - 1;
    }(),
    "the same options stand first in kOptions");

// The table that getopt_long reads: the first `count` options, and an end mark.
// An option's value is its OptionId, to which libxtables adds an offset.
template <std::size_t count>
constexpr std::array<::option, count + 1> getopt_table() {
  std::array<::option, count + 1> table{};
  for (std::size_t i = 0; i < count; ++i) {
    const Option &from = option(i < std::size(kFirstOptions) ? kFirstOptions[i] : kOptions[i].id);
    table[i].name = from.name.c_str();
    table[i].has_arg = from.argument == Argument::kNone ? no_argument : required_argument;
    table[i].val = static_cast<int>(from.id);
  }
  return table;
}

constexpr auto kGetoptTable1 = getopt_table<option_count(Revision::k1)>();
constexpr auto kGetoptTable2 = getopt_table<option_count(Revision::k2)>();

// The kernel wants sizes rounded up with XT_ALIGN, which some kernel headers
// write with GNU's typeof; there is nothing to round.
static_assert(kWireSize % alignof(_xt_align) == 0);

template <Revision revision>
constexpr xtables_target target() {
  xtables_target target{};
  target.version = XTABLES_VERSION;
  target.name = "CONNMARK";
  target.revision = static_cast<std::uint8_t>(revision);
  target.family = NFPROTO_UNSPEC;
  target.size = kWireSize;
  target.userspacesize = kWireSize;
  target.help = help<revision>;
  target.init = init<revision>;
  target.parse = parse<revision>;
  target.final_check = final_check;
  target.print = list<revision>;
  target.save = save<revision>;
  target.extra_opts = revision == Revision::k1 ? kGetoptTable1.data() : kGetoptTable2.data();
  target.xlate = xlate<revision>;
  return target;
}

// libxtables links these into its lists, so they are not const; and they are
// made by the compiler, not by code at load time.
constinit xtables_target targets[] = {target<Revision::k1>(), target<Revision::k2>()};

}  // namespace
}  // namespace connmark

extern "C" CONNMARK_INIT_ATTRIBUTE [[gnu::visibility("default")]] void libxt_CONNMARK_init();

void libxt_CONNMARK_init() {
  xtables_register_targets(connmark::targets, std::size(connmark::targets));
}
