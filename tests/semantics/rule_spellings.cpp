// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/rule_spellings.h"

#include <cstdio>

namespace connmark::test {
namespace {

std::string number(const char *format, std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string hex(std::uint32_t value) { return number("0x%x", value); }
std::string upper(std::uint32_t value) { return number("0X%08X", value); }
std::string decimal(std::uint32_t value) { return number("%u", value); }
std::string octal(std::uint32_t value) { return number("0%o", value); }

std::vector<std::string> set_spellings(std::uint32_t value, std::uint32_t mask) {
  std::vector<std::string> result{
      "--set-xmark " + hex(value) + "/" + hex(mask),
      "--set-xmark " + upper(value) + "/" + upper(mask),
      "--set-xmark " + decimal(value) + "/" + octal(mask),
      "--set-xmark=" + octal(value) + "/" + decimal(mask),
      "--set-x " + hex(value) + "/" + hex(mask),
      "--set-xmark " + hex(value) + "/" + hex(mask) + " --nfmask 0x123",
      "--nfmask 0x123 --set-xmark " + hex(value) + "/" + hex(mask),
      "--mask 0x123 --set-xmark " + hex(value) + "/" + hex(mask),
      "--ctmask 0x123 --set-xmark " + hex(value) + "/" + hex(mask),
      "--set-xmark " + hex(value) + " --mask " + hex(mask),
      "--set-xmark " + hex(value) + "/0x123 --ctmask " + hex(mask),
      "--set-mark " + hex(value) + " --mask " + hex(mask),
  };
  if (mask == kAllBits) {
    result.push_back("--set-xmark " + hex(value));
    result.push_back("--set-mark " + hex(value));
    result.push_back("--set-m " + decimal(value));
  }
  if ((value & ~mask) == 0) {
    result.push_back("--set-mark " + hex(value) + "/" + hex(mask));
    result.push_back("--set-mark " + octal(value) + "/" + hex(mask & ~value));
  }
  if (value == 0) {
    result.push_back("--and-mark " + hex(~mask));
    result.push_back("--and " + decimal(~mask));
  }
  if (value == mask) {
    result.push_back("--or-mark " + hex(value));
    result.push_back("--or " + octal(value));
  }
  if (mask == 0) {
    result.push_back("--xor-mark " + hex(value));
    result.push_back("--xor=" + decimal(value));
  }
  return result;
}

std::vector<std::string> copy_spellings(const std::string &name, std::uint32_t nfmask,
                                        std::uint32_t ctmask) {
  const std::string operation = "--" + name + "-mark";
  std::vector<std::string> result{
      operation + " --nfmask " + hex(nfmask) + " --ctmask " + hex(ctmask),
      operation + " --ctmask " + decimal(ctmask) + " --nfmask " + octal(nfmask),
      "--nfmask " + upper(nfmask) + " " + operation + " --ctmask " + upper(ctmask),
      "--ctmask=" + hex(ctmask) + " --nfmask=" + hex(nfmask) + " " + operation,
      "--" + name + " --nfm " + hex(nfmask) + " --ctm " + hex(ctmask),
  };
  if (nfmask == ctmask) {
    result.push_back(operation + " --mask " + hex(nfmask));
    result.push_back("--mas " + decimal(nfmask) + " " + operation);
  }
  if (nfmask == kAllBits) result.push_back(operation + " --ctmask " + hex(ctmask));
  if (ctmask == kAllBits) result.push_back(operation + " --nfmask " + hex(nfmask));
  if (nfmask == kAllBits && ctmask == kAllBits) result.push_back(operation);
  return result;
}

std::vector<std::string> shift_spellings(Shift shift) {
  if (shift.bits == 0) return {"", "--left-shift-mark 0", "--right-shift-mark 0"};
  const std::string name = shift.direction == Direction::kRight ? "--right" : "--left";
  return {name + "-shift-mark " + decimal(shift.bits), name + "-shift-mark=" + hex(shift.bits),
          name + " " + octal(shift.bits)};
}

}  // namespace

std::vector<std::string> spellings(const Operation &op) {
  std::vector<std::string> operations;
  if (op.mode == Mode::kSet) {
    operations = set_spellings(op.ctmark, op.ctmask);
  } else {
    const char *name = op.mode == Mode::kSave ? "save" : "restore";
    operations = copy_spellings(name, op.nfmask, op.ctmask);
  }
  const std::vector<std::string> shifts = shift_spellings(op.shift);
  std::vector<std::string> result;
  for (const std::string &operation : operations) result.push_back(operation + " " + shifts[0]);
  for (const std::string &shift : shifts) result.push_back(shift + " " + operations[0]);
  return result;
}

}  // namespace connmark::test
