// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/intended_differences.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "differential/typed_options.h"
#include "support/command.h"

namespace connmark::test {
namespace {

constexpr std::uint32_t kOnes = 0xffffffff;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<TypedOption> typed(const Comparison &row, Kind kind) {
  return of_kind(typed_options(row.request.words), kind);
}

// The error is the last line; an option before it may have been warned of.
bool is_refused_with(const Comparison &row, std::initializer_list<std::string_view> parts) {
  const std::vector<std::string> err = lines(row.ours.err);
  return row.ours.outcome == "refused 2" && !err.empty() && err.back().starts_with("CONNMARK: ") &&
         std::ranges::all_of(parts, [&](auto part) { return contains(err.back(), part); });
}

// -- shifts -------------------------------------------------------------------

bool accepts_shifts(const Comparison &row) {
  return row.request.verb == "options" && row.stock.is_done();
}

bool is_32(const TypedOption &shift) {
  return std::strtoul(shift.argument.c_str(), nullptr, 0) == 32;
}

bool has_shift_of_32(const Comparison &row) {
  if (!accepts_shifts(row)) return false;
  const auto shifts = typed(row, Kind::kShift);
  return !shifts.empty() && is_32(shifts.front());
}

bool names_the_range(const Comparison &row) {
  const TypedOption shift = typed(row, Kind::kShift).front();
  return is_refused_with(row, {shift.option->name, "out of range", "0 to 31"});
}

bool has_both_shifts(const Comparison &row) {
  if (!accepts_shifts(row)) return false;
  const auto shifts = typed(row, Kind::kShift);
  return shifts.size() == 2 && !is_32(shifts.front());
}

bool says_one_or_the_other(const Comparison &row) {
  return is_refused_with(row, {"--left-shift-mark", "--right-shift-mark", "one or the other"});
}

// -- a mask option next to a set operation ------------------------------------

bool has_mask_next_to_set(const Comparison &row) {
  return row.request.verb == "options" && row.stock.is_done() && row.ours.is_done() &&
         !typed(row, Kind::kSet).empty() && !typed(row, Kind::kMask).empty();
}

// Behind the operation, --ctmask and --mask take the place of its mask.
bool replaces_the_mask(const std::vector<TypedOption> &all) {
  bool behind_set = false;
  for (const TypedOption &each : all) {
    if (each.option->kind == Kind::kSet) behind_set = true;
    if (behind_set && (each.option->name == "--ctmask" || each.option->name == "--mask"))
      return true;
  }
  return false;
}

bool says_what_the_mask_does(const Comparison &row) {
  const auto all = typed_options(row.request.words);
  const std::string_view err = row.ours.err;
  const auto masks = of_kind(all, Kind::kMask);
  const bool names_both = contains(err, of_kind(all, Kind::kSet).front().option->name) &&
                          std::ranges::any_of(masks, [err](const auto &each) {
                            return contains(err, each.option->name);
                          });
  if (!err.starts_with("CONNMARK: ") || std::ranges::count(err, '\n') != 1 || !names_both) {
    return false;
  }
  if (!replaces_the_mask(all)) {
    return contains(err, "has no effect") && contains(err, "write --set-mark VALUE/MASK");
  }
  // What it says to write is what the rule is, but for a shift.
  const std::string saved(row.stock.saved.substr(0, row.stock.saved.find(" --", 3)));
  return contains(err, "replaces the mask") && contains(err, "write" + saved + "\n");
}

// -- bytes without effect -----------------------------------------------------

KernelRule with_default_nfmask(KernelRule rule) {
  if (rule.mode == kKernelSet) rule.nfmask = kOnes;
  return rule;
}

KernelRule canonical(KernelRule rule) {
  rule = with_default_nfmask(rule);
  if (rule.shift_bits == 0) rule.shift_dir = 0;
  return rule;
}

bool both_took_options(const Comparison &row) {
  return row.request.verb == "options" && row.stock.is_done() && row.ours.is_done();
}

bool has_idle_nfmask(const Comparison &row) {
  return both_took_options(row) && row.stock_rule() != with_default_nfmask(row.stock_rule());
}

bool has_idle_direction(const Comparison &row) {
  return both_took_options(row) && !has_idle_nfmask(row) &&
         row.stock_rule() != canonical(row.stock_rule());
}

bool is_canonical(const Comparison &row) { return row.our_rule() == canonical(row.stock_rule()); }

// -- translation --------------------------------------------------------------

bool translates(const Comparison &row) {
  return row.stock.translates == "1" && is_translatable(row.stock_rule());
}

bool has_parentheses(const Comparison &row) {
  return translates(row) && contains(row.stock.translation, "(");
}

bool is_inexact(const Comparison &row) {
  return translates(row) && !has_parentheses(row) && !is_exact(row.stock, row.stock_rule());
}

bool is_declined(const Comparison &row) {
  return row.stock.translates == "0" && is_translatable(row.stock_rule());
}

bool is_exact_without_parentheses(const Comparison &row) {
  return is_exact(row.ours, row.our_rule()) && !contains(row.ours.translation, "(");
}

bool has_large_shift(const Comparison &row) {
  const KernelRule rule = row.stock_rule();
  return rule.has_known_mode() && rule.shift_bits >= 32 && row.stock.translates == "1";
}

bool has_unknown_mode(const Comparison &row) {
  return !row.stock_rule().has_known_mode() && row.stock.translates == "1";
}

bool declines(const Comparison &row) {
  return row.ours.translates == "0" && row.ours.translation.empty();
}

// -- rules from the kernel ----------------------------------------------------

bool has_direction_above_1(const Comparison &row) { return row.stock_reads_behind_its_array(); }

// The texts are those that stock writes of a left shift.
bool is_read_as_left(const Comparison &row) {
  if (row.stock_next == nullptr || !row.ours.is_done() || !row.ours.err.empty()) return false;
  const KernelRule rule = row.our_rule();
  const bool translation =
      is_translatable(rule) ? is_exact_without_parentheses(row) : declines(row);
  return row.ours.saved == row.stock_next->saved && row.ours.listed == row.stock_next->listed &&
         translation;
}

// -- help ---------------------------------------------------------------------

bool is_help(const Comparison &row) { return row.request.verb == "help"; }

bool says_where_marks_go(const Comparison &row) {
  const std::string_view help = row.ours.saved;
  bool save = false;
  bool restore = false;
  for (const std::string &line : lines(help)) {
    save |= contains(line, "--save-mark") && contains(line, "ctmark = ");
    restore |= contains(line, "--restore-mark") && contains(line, "nfmark = ");
  }
  const bool names_the_same = std::ranges::all_of(kNamedOptions, [&](const NamedOption &option) {
    const std::string name = std::string(option.name);
    return (contains(row.stock.saved, name + " ") || contains(row.stock.saved, name + "\n")) ==
           (contains(help, name + " ") || contains(help, name + "\n"));
  });
  return save && restore && names_the_same && row.ours.err.empty();
}

constexpr unsigned kOptions = kOptionsOfRevision1 | kOptionsOfRevision2;
constexpr unsigned kBytes = kBytesOfRevision1 | kBytesOfRevision2;
constexpr unsigned kRevision2 = kOptionsOfRevision2 | kBytesOfRevision2;
constexpr unsigned kHelps = kHelpOfRevision1 | kHelpOfRevision2;

constexpr IntendedDifference kIntendedDifferences[] = {
    {
        .name = "shift of 32",
        .aspect = Aspect::kOutcome,
        .stock = "takes it, the kernel says \"Invalid argument\"",
        .ours = "an error that names the range",
        .seen_in = kOptionsOfRevision2,
        .applies = has_shift_of_32,
        .is_as_intended = names_the_range,
    },
    {
        .name = "both shifts",
        .aspect = Aspect::kOutcome,
        .stock = "takes the last",
        .ours = "an error: one or the other",
        .seen_in = kOptionsOfRevision2,
        .applies = has_both_shifts,
        .is_as_intended = says_one_or_the_other,
    },
    {
        .name = "mask next to set",
        .aspect = Aspect::kStderr,
        .stock = "takes it silently, its place decides",
        .ours = "the same, and one line says what to write",
        .seen_in = kOptions,
        .applies = has_mask_next_to_set,
        .is_as_intended = says_what_the_mask_does,
    },
    {
        .name = "nfmask of a set",
        .aspect = Aspect::kBytes,
        .stock = "as typed",
        .ours = "all ones, so that -C and -D find the rule after save and restore",
        .seen_in = kOptions,
        .applies = has_idle_nfmask,
        .is_as_intended = is_canonical,
    },
    {
        .name = "direction of a zero shift",
        .aspect = Aspect::kBytes,
        .stock = "as typed",
        .ours = "left, so that -C and -D find the rule after save and restore",
        .seen_in = kOptionsOfRevision2,
        .applies = has_idle_direction,
        .is_as_intended = is_canonical,
    },
    {
        .name = "translation in parentheses",
        .aspect = Aspect::kTranslation,
        .stock = "\"( mark ) << 3\", which nft need not take",
        .ours = "exact, and shifts before it masks",
        .seen_in = kRevision2,
        .applies = has_parentheses,
        .is_as_intended = is_exact_without_parentheses,
    },
    {
        .name = "inexact translation",
        .aspect = Aspect::kTranslation,
        .stock = "a statement that does something else",
        .ours = "exact",
        .seen_in = kOptions | kBytes,
        .applies = is_inexact,
        .is_as_intended = is_exact_without_parentheses,
    },
    {
        .name = "declined translation",
        .aspect = Aspect::kTranslation,
        .stock = "none",
        .ours = "exact",
        .seen_in = kOptions | kBytes,
        .applies = is_declined,
        .is_as_intended = is_exact_without_parentheses,
    },
    {
        .name = "translation of a shift above 31",
        .aspect = Aspect::kTranslation,
        .stock = "a shift that nft refuses",
        .ours = "declined",
        .seen_in = kBytesOfRevision2,
        .applies = has_large_shift,
        .is_as_intended = declines,
    },
    {
        .name = "translation of an unknown mode",
        .aspect = Aspect::kTranslation,
        .stock = "an empty statement",
        .ours = "declined",
        .seen_in = kBytes,
        .applies = has_unknown_mode,
        .is_as_intended = declines,
    },
    {
        .name = "direction above 1",
        .aspect = Aspect::kWholeAnswer,
        .stock = "crashes, or writes what lies behind an array",
        .ours = "read as left, as the kernel does",
        .seen_in = kBytesOfRevision2,
        .applies = has_direction_above_1,
        .is_as_intended = is_read_as_left,
        .may_agree = true,
    },
    {
        .name = "help",
        .aspect = Aspect::kHelp,
        .stock = "swaps save and restore",
        .ours = "says where each mark goes",
        .seen_in = kHelps,
        .applies = is_help,
        .is_as_intended = says_where_marks_go,
    },
};

}  // namespace

std::span<const IntendedDifference> intended_differences() { return kIntendedDifferences; }

}  // namespace connmark::test
