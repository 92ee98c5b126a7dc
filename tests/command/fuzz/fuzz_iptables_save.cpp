// SPDX-License-Identifier: GPL-2.0-or-later
//
// A text of iptables-save, or anything else.
#include "command/audit/iptables_save_reader.h"
#include "command/fuzz/reader_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  connmark::test::expect_properties(connmark::read_iptables_save, data, size);
  return 0;
}
