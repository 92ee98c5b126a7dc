// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit/option_sequence.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "connmark/parse.h"
#include "src/saved_option.h"

namespace connmark::test {
namespace {

// Writes one field of the rule where the kernel has it.
struct Fields {
  Revision revision;
  std::array<unsigned char, kWireSize> bytes;

  void put(std::size_t offset, std::uint32_t value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  }
  void ctmark(std::uint32_t value) { put(0, value); }
  void ctmask(std::uint32_t value) { put(4, value); }
  void nfmask(std::uint32_t value) { put(8, value); }
  void mode(unsigned char value) { bytes[revision == Revision::k1 ? 12 : 14] = value; }
  void shift(unsigned char direction, std::uint32_t bits) {
    bytes[12] = direction;
    bytes[13] = static_cast<unsigned char>(bits);
  }
  void set(std::uint32_t value, std::uint32_t mask) {
    ctmark(value);
    ctmask(mask);
    nfmask(0xffffffff);
    mode(XT_CONNMARK_SET);
  }
  void copy(unsigned char copying_mode) {
    ctmark(0);
    mode(copying_mode);
  }
};

bool read_short(Revision revision, const GivenOption &given, KeptRule &rule) {
  const char *const argument = given.argument.c_str();
  return revision == Revision::k1
             ? read_saved_option<Revision::k1>(given.id, argument, rule.flags, rule.bytes.data())
             : read_saved_option<Revision::k2>(given.id, argument, rule.flags, rule.bytes.data());
}

}  // namespace

bool read_the_long_way(Revision revision, const GivenOption &given, KeptRule &rule) {
  if (given.forgets) rule.flags = 0;
  Progress progress = to_progress(rule.flags);
  Operation op = decode(revision, rule.bytes.data());
  const Diagnosis diagnosis =
      parse_option(given.id, given.argument.c_str(), given.inverted, progress, op);
  if (is_error(diagnosis.fault)) return false;
  encode(revision, op, rule.bytes.data());
  rule.flags = to_number(progress);
  return true;
}

bool read_as_the_plugin(Revision revision, const GivenOption &given, KeptRule &rule) {
  if (given.forgets) rule.flags = 0;
  if (!given.inverted && read_short(revision, given, rule)) return true;
  return read_the_long_way(revision, given, rule);
}

std::array<unsigned char, kWireSize> by_the_table(Revision revision, const GivenOption &given,
                                                  const KeptRule &rule) {
  Fields fields{revision, rule.bytes};
  char *end = nullptr;
  const auto value = static_cast<std::uint32_t>(std::strtoul(given.argument.c_str(), &end, 0));
  const bool has_mask = *end == '/';
  const auto mask =
      has_mask ? static_cast<std::uint32_t>(std::strtoul(end + 1, nullptr, 0)) : 0xffffffff;
  const bool behind_set = !given.forgets && (rule.flags & kSetOperations) != 0;
  switch (given.id) {
    case OptionId::kSetXmark:
      fields.set(value, mask);
      break;
    case OptionId::kSetMark:
      fields.set(value, value | mask);
      break;
    case OptionId::kAndMark:
      fields.set(0, ~value);
      break;
    case OptionId::kOrMark:
      fields.set(value, value);
      break;
    case OptionId::kXorMark:
      fields.set(value, 0);
      break;
    case OptionId::kSaveMark:
      fields.copy(XT_CONNMARK_SAVE);
      break;
    case OptionId::kRestoreMark:
      fields.copy(XT_CONNMARK_RESTORE);
      break;
    case OptionId::kNfmask:
      if (!behind_set) fields.nfmask(value);
      break;
    case OptionId::kCtmask:
      fields.ctmask(value);
      break;
    case OptionId::kMask:
      fields.ctmask(value);
      if (!behind_set) fields.nfmask(value);
      break;
    case OptionId::kLeftShiftMark:
      fields.shift(D_SHIFT_LEFT, value);
      break;
    case OptionId::kRightShiftMark:
      fields.shift(value == 0 ? D_SHIFT_LEFT : D_SHIFT_RIGHT, value);
      break;
  }
  return fields.bytes;
}

std::string to_string(const GivenOption &given) {
  std::string text = given.forgets ? "(flags zeroed) " : "";
  if (given.inverted) text += "! ";
  return text + "--" + option(given.id).name.c_str() + " " + given.argument;
}

std::string to_string(const KeptRule &rule) {
  char text[16];
  std::snprintf(text, sizeof text, "flags %x,", rule.flags);
  std::string all = text;
  for (const unsigned char byte : rule.bytes) {
    std::snprintf(text, sizeof text, " %02x", byte);
    all += text;
  }
  return all;
}

}  // namespace connmark::test
