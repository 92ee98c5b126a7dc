// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/connections/flow_counts.h"

#include <gtest/gtest.h>

namespace connmark::test {
namespace {

Flow flow(std::uint32_t mark) {
  Flow flow;
  flow.mark = mark;
  return flow;
}

Flow flow(std::uint32_t mark, std::uint64_t packets, std::uint64_t bytes) {
  Flow flow;
  flow.mark = mark;
  flow.traffic = {packets, bytes};
  return flow;
}

TEST(FlowCountsTest, AMillionConnectionsTakeOneEntryForEachMark) {
  FlowCounts counts;
  for (std::uint32_t i = 0; i < 1000000; ++i) counts.add(flow(i % 3, 1, 100));
  ASSERT_EQ(counts.by_mark().size(), 3U);
  EXPECT_EQ(counts.by_mark().at(0).connections, 333334U);
  EXPECT_EQ(counts.by_mark().at(2).bytes, 33333300U);
}

TEST(FlowCountsTest, PutsTheMostFrequentMarkFirst) {
  FlowCounts counts;
  counts.add(flow(0));
  counts.add(flow(0x40001, 1, 60));
  counts.add(flow(0x40001, 1, 40));
  EXPECT_EQ(flow_counts_text(counts, {owner_named_by_user("office=0xff0000")}),
            "connections           bytes  mark        owner's bits\n"
            "          2             100  0x40001     office 0x40000, nobody 0x1\n"
            "          1               -  0x0         -\n"
            "\n"
            "connections           bytes  owner\n"
            "          2             100  office\n");
}

TEST(FlowCountsTest, SaysWhenThereAreNone) {
  EXPECT_EQ(flow_counts_text({}, {}), "no connections\n");
}

TEST(FlowCountsTest, WritesTheSameAsJson) {
  FlowCounts counts;
  counts.add(flow(0));
  counts.add(flow(0x40001, 2, 60));
  const Json json = flow_counts_json(counts, {owner_named_by_user("office=0xff0000")}, true);
  EXPECT_EQ(json.dump(), R"({"schema_version":1,"command":"flows","accounting":true,"marks":[)"
                         R"({"mark":0,"connections":1,"packets":null,"bytes":null,"owners":[],)"
                         R"("nobodys_bits":0},)"
                         R"({"mark":262145,"connections":1,"packets":2,"bytes":60,"owners":[)"
                         R"({"name":"office","bits":262144,"certain":true}],"nobodys_bits":1}],)"
                         R"("owners":[{"name":"office","connections":1,"packets":2,"bytes":60}],)"
                         R"("total":{"connections":2,"packets":2,"bytes":60}})");
}

}  // namespace
}  // namespace connmark::test
