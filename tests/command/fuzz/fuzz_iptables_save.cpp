// SPDX-License-Identifier: GPL-2.0-or-later
//
// A text of iptables-save, or anything else.
#include "command/fuzz/reader_properties.h"
#include "command/read_files/iptables_save_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  connmark::test::expect_properties(connmark::read_iptables_save, data, size);
  return 0;
}
