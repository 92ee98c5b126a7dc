// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list of ip rule, or anything else.
#include "command/fuzz/reader_properties.h"
#include "command/read_files/policy_rules_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  connmark::test::expect_properties(connmark::read_policy_rules, data, size);
  return 0;
}
