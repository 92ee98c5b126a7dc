// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/diagnosis.h"

namespace connmark {
namespace {

constexpr int kQuotedLength = 48;

void add_quoted(TextBuffer &text, const char *argument) {
  text.add('"');
  for (int i = 0; argument[i] != '\0'; ++i) {
    if (i == kQuotedLength) {
      text.add("...");
      break;
    }
    const auto byte = static_cast<unsigned char>(argument[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      text.add(argument[i]);
    } else {
      text.add("\\x").add("0123456789abcdef"[byte >> 4]).add("0123456789abcdef"[byte & 0xf]);
    }
  }
  text.add('"');
}

void add_option(TextBuffer &text, OptionId id) { text.add("--").add(option(id).name); }

void add_range(TextBuffer &text, OptionId id) {
  text.add(", give 0 to ");
  if (option(id).argument == Argument::kShiftBits) {
    text.add_decimal(kMaxShiftBits);
  } else {
    text.add_hex(kAllBits);
  }
}

void add_operations(TextBuffer &text) {
  std::string_view separator = "";
  for (const Option &each : kOptions) {
    if (!is_operation(each.role)) continue;
    text.add(separator);
    add_option(text, each.id);
    separator = ", ";
  }
}

}  // namespace

TextBuffer describe(const Diagnosis &diagnosis, const Operation &op) {
  TextBuffer text;
  text.add("CONNMARK: ");
  if (diagnosis.fault == Fault::kNoOperation) {
    text.add("no operation, give one of ");
    add_operations(text);
    return text;
  }
  add_option(text, diagnosis.option);
  text.add(": ");
  if (diagnosis.argument != nullptr) add_quoted(text, diagnosis.argument);
  switch (diagnosis.fault) {
    case Fault::kNone:
    case Fault::kNoOperation:
      break;
    case Fault::kInverted:
      text.add("\"!\" makes no sense here, leave it out");
      break;
    case Fault::kRepeated:
      text.add("given twice, give it once");
      break;
    case Fault::kSecondOperation:
      text.add("conflicts with ");
      add_option(text, diagnosis.other);
      text.add(", give one operation");
      break;
    case Fault::kSecondShift:
      text.add("conflicts with ");
      add_option(text, diagnosis.other);
      text.add(", give one or the other");
      break;
    case Fault::kMaskConflict:
      text.add("conflicts with ");
      add_option(text, diagnosis.other);
      text.add(", give either --mask or --nfmask and --ctmask");
      break;
    case Fault::kNotANumber:
      text.add(" is not an unsigned number");
      add_range(text, diagnosis.option);
      break;
    case Fault::kOutOfRange:
      text.add(" is out of range");
      add_range(text, diagnosis.option);
      break;
    case Fault::kNotAMarkAndMask:
      text.add(" is not a mark, give VALUE or VALUE/MASK, each 0 to ").add_hex(kAllBits);
      break;
    case Fault::kMaskReplaced:
      text.add("replaces the mask of ");
      add_option(text, diagnosis.other);
      text.add(" before it, write --set-xmark ").add_hex(op.ctmark).add('/').add_hex(op.ctmask);
      break;
    case Fault::kMaskIgnored:
      text.add("has no effect on ");
      add_option(text, diagnosis.other);
      text.add(", leave it out, or to set some bits only write --set-mark VALUE/MASK");
      break;
  }
  return text;
}

}  // namespace connmark
