// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list of nft in JSON, or anything else.
#include "command/fuzz/reader_properties.h"
#include "command/read_files/nft_json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  connmark::test::expect_properties(connmark::read_nft_json, data, size);
  return 0;
}
