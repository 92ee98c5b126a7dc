// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any 16 bytes, as both revisions, through decode, encode, save, list and
// translation.
//
// The input is text: three hexadecimal numbers of eight digits (ctmark, ctmask,
// nfmask), then four bytes of two digits (of revision 2: direction, bits, mode,
// padding).  White space is skipped, what is missing is 0, and any other
// character counts as some digit, so that every input means something.
#include <cstdint>

#include "fuzz/rule_properties.h"

namespace connmark::test {
namespace {

class Digits {
 public:
  explicit Digits(std::string_view text) : rest_(text) {}

  std::uint32_t number(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) value = value << 4 | digit();
    return value;
  }

 private:
  std::uint32_t digit() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return 0;
    const auto c = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return (c <= '9' ? c : c + 9U) & 0xf;
  }

  std::string_view rest_;
};

}  // namespace
}  // namespace connmark::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace connmark::test;
  Digits digits({reinterpret_cast<const char *>(data), size});
  WireBytes bytes = {};
  for (std::size_t offset = 0; offset < 12; offset += 4) {
    const std::uint32_t number = digits.number(8);
    std::memcpy(bytes.data() + offset, &number, sizeof number);
  }
  for (std::size_t offset = 12; offset < bytes.size(); ++offset) {
    bytes[offset] = static_cast<unsigned char>(digits.number(2));
  }
  for (const connmark::Revision revision : kRevisions) expect_properties(revision, bytes);
  return 0;
}
