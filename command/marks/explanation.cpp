// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/marks/explanation.h"

#include "command/marks/bit_effect.h"
#include "command/nft/nft_rules.h"
#include "command/output/number_text.h"
#include "command/output/terminal.h"

namespace connmark {
namespace {

struct Drawing {
  char sign;
  Colour colour;
  const char *json;
};

Drawing drawing(BitChange change) {
  switch (change) {
    case BitChange::kKept:
      return {'.', Colour::kDim, "kept"};
    case BitChange::kCleared:
      return {'0', Colour::kRed, "cleared"};
    case BitChange::kSet:
      return {'1', Colour::kGreen, "set"};
    case BitChange::kFlipped:
      return {'~', Colour::kYellow, "flipped"};
    case BitChange::kMoved:
      return {'m', Colour::kCyan, "moved"};
    case BitChange::kMovedAndFlipped:
      return {'w', Colour::kYellow, "moved and flipped"};
    case BitChange::kCopied:
      return {'c', Colour::kCyan, "copied"};
    case BitChange::kMixed:
      return {'x', Colour::kMagenta, "mixed"};
  }
  return {'?', Colour::kNone, ""};
}

std::string what_it_does(const MarkRule &rule) {
  if (rule.target == Target::kMark) return "Edits the packet's mark (nfmark).";
  switch (rule.op.mode) {
    case Mode::kSave:
      return "Copies bits of the packet's mark (nfmark) into the connection's mark (ctmark).";
    case Mode::kRestore:
      return "Copies bits of the connection's mark (ctmark) into the packet's mark (nfmark).";
    case Mode::kSet:
      break;
  }
  return "Edits the connection's mark (ctmark).";
}

std::string source(const BitGroup &group, Mark from) {
  if (group.sources == group.bits) return std::string("the same bits of ") + name(from);
  return bit_ranges(group.sources) + " of " + name(from) + " (" + hex(group.sources) + ")";
}

std::string meaning(const BitGroup &group, Mark written) {
  switch (group.change) {
    case BitChange::kKept:
      return "kept";
    case BitChange::kCleared:
      return "cleared";
    case BitChange::kSet:
      return "set";
    case BitChange::kFlipped:
      return "flipped";
    case BitChange::kMoved:
      return "moved here from " + source(group, written);
    case BitChange::kMovedAndFlipped:
      return "moved here, flipped, from " + source(group, written);
    case BitChange::kCopied:
      return "copied from " + source(group, other(written));
    case BitChange::kMixed:
      return "kept, but flipped where set in " + source(group, other(written));
  }
  return "";
}

std::string picture(const BitEffects &effects, bool with_colour) {
  std::string text;
  for (int bit = 31; bit >= 0; --bit) {
    const Drawing drawn = drawing(change_of(bit, effects[static_cast<std::size_t>(bit)]));
    text += painted(std::string(1, drawn.sign), drawn.colour, with_colour);
  }
  return text;
}

std::string needs_text(const NftNeeds &needs) {
  if (!needs.nft) return "loads in every nft";
  return "needs nft " + to_string(*needs.nft) + " and Linux " + to_string(*needs.linux_kernel) +
         "; for an older nft: connmark translate";
}

// What surprises people who meet a mark that others have written or wiped.
std::string remark(const MarkRule &rule, const BitEffects &effects) {
  for (const BitEffect &effect : effects) {
    if (effect.own >= 0) {
      if (rule.op.mode != Mode::kRestore) return "";
      return "A connection that has no mark yet restores zeros.";
    }
  }
  std::string text = "All 32 bits are written, those of other programs too.";
  if (rule.op.mode == Mode::kRestore) text += " A connection without a mark restores zeros.";
  return text;
}

std::string result_line(Mark mark, std::uint32_t before, std::uint32_t after) {
  std::string label = std::string(owner(mark)) + ":";
  label.resize(12, ' ');
  return "  " + label + hex(before) +
         (before == after ? " stays as it is\n" : " becomes " + hex(after) + "\n");
}

Json marks_json(const Marks &marks) { return {{"packet", marks.nf}, {"connection", marks.ct}}; }

Json bits_json(const BitEffects &effects, Mark written) {
  Json bits = Json::array();
  for (int bit = 0; bit < 32; ++bit) {
    const BitEffect &effect = effects[static_cast<std::size_t>(bit)];
    const BitChange change = change_of(bit, effect);
    Json entry{{"bit", bit}, {"change", drawing(change).json}};
    if (change >= BitChange::kMoved) {
      const bool copied = effect.other >= 0;
      entry["from"] = {{"mark", owner(copied ? other(written) : written)},
                       {"bit", copied ? effect.other : effect.own}};
    }
    bits.push_back(std::move(entry));
  }
  return bits;
}

Json nft_json(const MarkRule &rule) {
  const std::string statement = nft_statement(rule);
  const NftNeeds needs = needs_of(statement);
  Json json{{"statement", statement}, {"nft", nullptr}, {"linux", nullptr}};
  if (needs.nft) json["nft"] = to_string(*needs.nft);
  if (needs.linux_kernel) json["linux"] = to_string(*needs.linux_kernel);
  return json;
}

const char *operation_name(Mode mode) {
  switch (mode) {
    case Mode::kSet:
      return "set";
    case Mode::kSave:
      return "save";
    case Mode::kRestore:
      return "restore";
  }
  return "";
}

}  // namespace

std::string explanation_text(const RuleText &text, const std::optional<Marks> &before,
                             bool with_colour) {
  const MarkRule &rule = text.rule;
  const Mark written = written_mark(rule);
  const BitEffects effects = bit_effects(rule);

  std::string out = what_it_does(rule) + "\n";
  out += "  " + formula(rule) + "\n\n";
  out += "  bit     31      23      15      7      0\n";
  out += "          |       |       |       |      |\n";
  out += std::string("  ") + name(written) + "  " + picture(effects, with_colour) + "\n";
  for (const BitGroup &group : bit_groups(effects)) {
    const Drawing drawn = drawing(group.change);
    out += "    " + painted(std::string(1, drawn.sign), drawn.colour, with_colour) + "  " +
           bit_ranges(group.bits) + " (" + hex(group.bits) + "): " + meaning(group, written) + "\n";
  }
  if (const std::string line = remark(rule, effects); !line.empty()) out += "  " + line + "\n";
  out += "\n  saved:  " + saved_form(rule) + "\n";
  const std::string statement = nft_statement(rule);
  out += "  nft:    " + statement + "\n";
  out += "          " + needs_text(needs_of(statement)) + "\n";
  if (before) {
    const Marks after = apply(rule, *before);
    out += "\n" + result_line(Mark::kPacket, before->nf, after.nf);
    out += result_line(Mark::kConnection, before->ct, after.ct);
  }
  return out;
}

Json explanation_json(const RuleText &text, const std::optional<Marks> &before) {
  const MarkRule &rule = text.rule;
  const Operation &op = rule.op;
  const Mark written = written_mark(rule);
  Json json = json_document("explain");
  json["target"] = name(rule.target);
  json["operation"] = operation_name(op.mode);
  json["writes"] = owner(written);
  json["ctmark"] = op.ctmark;
  json["ctmask"] = op.ctmask;
  json["nfmask"] = op.nfmask;
  json["shift"] = {{"direction", op.shift.direction == Direction::kRight ? "right" : "left"},
                   {"bits", op.shift.bits}};
  json["formula"] = formula(rule);
  json["bits"] = bits_json(bit_effects(rule), written);
  json["saved"] = saved_form(rule);
  json["nft"] = nft_json(rule);
  json["warnings"] = text.warnings;
  if (before) {
    json["before"] = marks_json(*before);
    json["after"] = marks_json(apply(rule, *before));
  }
  return json;
}

}  // namespace connmark
