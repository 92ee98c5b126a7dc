// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/report/mark_map.h"

#include <algorithm>

#include "command/output/number_text.h"
#include "command/output/terminal.h"
#include "command/owners/owner_names.h"

namespace connmark {
namespace {

constexpr std::size_t kNameColumns = 16;

struct Sign {
  char letter;
  Colour colour;
  const char *meaning;
};

constexpr Sign kUnused{'.', Colour::kDim, "not used"};
constexpr Sign kRead{'r', Colour::kGreen, "read: tested, by rules or by routing"};
constexpr Sign kWritten{'w', Colour::kYellow, "written"};
constexpr Sign kBoth{'b', Colour::kYellow, "both read and written"};
constexpr Sign kSaved{'s', Colour::kCyan, "copied to or from the other mark, and nothing else"};
constexpr Sign kSavedRead{'R', Colour::kGreen, "copied, and read"};
constexpr Sign kSavedWritten{'W', Colour::kYellow, "copied, and written"};
constexpr Sign kSavedBoth{'B', Colour::kYellow, "copied, read and written"};
constexpr Sign kUnknown{'?', Colour::kMagenta, "written with what the rules do not tell"};

constexpr std::array kSigns{kUnused,    kRead,         kWritten,   kBoth,   kSaved,
                            kSavedRead, kSavedWritten, kSavedBoth, kUnknown};

const Sign &sign_of(const MarkUse &use, std::uint32_t bit) {
  if ((use.unknown & bit) != 0) return kSigns[8];
  const bool copied = ((use.copied | use.copied_from) & bit) != 0;
  const std::size_t row =
      (copied ? 4U : 0U) + ((use.written & bit) != 0 ? 2U : 0U) + ((use.read & bit) != 0 ? 1U : 0U);
  return kSigns[row];
}

bool is_used(const MarkUse &use) {
  return (use.written | use.copied | use.read | use.copied_from | use.unknown) != 0;
}

std::string picture(const MarkUse &use, std::string &seen, bool with_colour) {
  std::string text;
  for (int bit = 31; bit >= 0; --bit) {
    const Sign &sign = sign_of(use, std::uint32_t{1} << bit);
    if (seen.find(sign.letter) == seen.npos) seen += sign.letter;
    text += painted(std::string(1, sign.letter), sign.colour, with_colour);
  }
  return text;
}

// "writes 0x4000, reads 0xc000"
std::string masks_text(const MarkUse &use, Mark mark) {
  std::string text;
  const auto add = [&text](const char *what, std::uint32_t bits) {
    if (bits == 0) return;
    if (!text.empty()) text += ", ";
    text += what + hex(bits);
  };
  add("writes ", use.written & ~use.unknown);
  add("unknown ", use.unknown);
  add("reads ", use.read);
  add(mark == Mark::kPacket ? "restores " : "saves ", use.copied);
  add(mark == Mark::kPacket ? "saves " : "restores ", use.copied_from);
  return text;
}

std::string shortened(const std::string &name) {
  std::string text = name.size() <= kNameColumns ? name : name.substr(0, kNameColumns - 2) + "..";
  text.resize(kNameColumns, ' ');
  return text;
}

// Known software first, then by name.
std::vector<OwnerIndex> in_order(const Analysis &analysis) {
  std::vector<OwnerIndex> order;
  for (OwnerIndex i = 0; i < analysis.owners.owners.size(); ++i) {
    if (is_used(analysis.uses.of(i, Mark::kPacket)) ||
        is_used(analysis.uses.of(i, Mark::kConnection))) {
      order.push_back(i);
    }
  }
  std::ranges::stable_sort(order, [&analysis](OwnerIndex left, OwnerIndex right) {
    const RuleOwner &one = analysis.owners.owners[left];
    const RuleOwner &other = analysis.owners.owners[right];
    if (one.kind != other.kind) return one.kind < other.kind;
    return one.name < other.name;
  });
  return order;
}

Json use_json(const MarkUse &use) {
  return {{"written", use.written},
          {"read", use.read},
          {"copied", use.copied},
          {"copied_from", use.copied_from},
          {"unknown", use.unknown}};
}

const char *kind_name(OwnerKind kind) {
  switch (kind) {
    case OwnerKind::kKnown:
      return "known";
    case OwnerKind::kChains:
      return "chains";
    case OwnerKind::kBuiltin:
      return "built-in";
    case OwnerKind::kRouting:
      break;
  }
  return "routing";
}

}  // namespace

std::string mark_map_text(const Analysis &analysis, bool with_colour) {
  const std::vector<OwnerIndex> order = in_order(analysis);
  if (order.empty()) return "No rule looks at marks or writes them.\n";
  const std::string indent(kNameColumns + 2, ' ');
  std::string text = indent + "packet                            connection\n" + indent +
                     "31      23      15      7      0  31      23      15      7      0\n" +
                     indent +
                     "|       |       |       |      |  |       |       |       |      |\n";
  std::string seen;
  for (const OwnerIndex owner : order) {
    const MarkUse &packet = analysis.uses.of(owner, Mark::kPacket);
    const MarkUse &connection = analysis.uses.of(owner, Mark::kConnection);
    text += shortened(printable(analysis.owner_name(owner))) + "  " +
            picture(packet, seen, with_colour) + "  " + picture(connection, seen, with_colour) +
            "\n";
    const std::string packets = masks_text(packet, Mark::kPacket);
    const std::string connections = masks_text(connection, Mark::kConnection);
    if (analysis.owner_name(owner).size() > kNameColumns) {
      text += "  " + printable(analysis.owner_name(owner)) + "\n";
    }
    if (!packets.empty()) text += "  packet: " + packets + "\n";
    if (!connections.empty()) text += "  connection: " + connections + "\n";
  }
  text += "\n";
  for (const Sign &sign : kSigns) {
    if (seen.find(sign.letter) == seen.npos) continue;
    text += "  " + painted(std::string(1, sign.letter), sign.colour, with_colour) + "  " +
            sign.meaning + "\n";
  }
  return text;
}

Json mark_map_json(const Analysis &analysis) {
  Json json = Json::array();
  for (const OwnerIndex owner : in_order(analysis)) {
    json.push_back({{"name", analysis.owner_name(owner)},
                    {"kind", kind_name(analysis.owners.owners[owner].kind)},
                    {"packet", use_json(analysis.uses.of(owner, Mark::kPacket))},
                    {"connection", use_json(analysis.uses.of(owner, Mark::kConnection))}});
  }
  return json;
}

}  // namespace connmark
