// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json_reader.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "command/read_kernel/nf_tables.h"
#include "command/read_text.h"
#include "command/refusal.h"
#include "support/command.h"
#include "support/private_network.h"

namespace connmark::test {
namespace {

using connmark::Family;

const MarkExpression kConnectionMark = MarkExpression::of(Mark::kConnection);
const MarkExpression kPacketMark = MarkExpression::of(Mark::kPacket);

MarkExpression bits(std::uint32_t value) { return MarkExpression::constant(value); }

constexpr TextReader kReader{read_nft_json, "nft.json"};

// A list with a base chain "pre", chains "a" and "b", and these objects.
std::string list(const std::string &objects) {
  return R"({"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},)"
         R"({"table": {"family": "inet", "name": "t", "handle": 1}},)"
         R"({"chain": {"family": "inet", "table": "t", "name": "pre", "handle": 1,)"
         R"("type": "filter", "hook": "prerouting", "prio": -150, "policy": "accept"}},)"
         R"({"chain": {"family": "inet", "table": "t", "name": "a", "handle": 2}},)"
         R"({"chain": {"family": "inet", "table": "t", "name": "b", "handle": 3}})" +
         (objects.empty() ? "" : "," + objects) + "]}";
}

std::string rule(const std::string &expr, const std::string &more = "") {
  return R"({"rule": {"family": "inet", "table": "t", "chain": "pre", "handle": 7, )" + more +
         R"("expr": [)" + expr + "]}}";
}

std::vector<Rule> rules_of(const std::string &expr) { return kReader.read(list(rule(expr))).rules; }

Rule only_rule(const std::string &expr) {
  const std::vector<Rule> rules = rules_of(expr);
  EXPECT_EQ(rules.size(), 1U) << expr;
  return rules.empty() ? Rule{} : rules[0];
}

const std::string kMeta = R"({"meta": {"key": "mark"}})";
const std::string kCt = R"({"ct": {"key": "mark"}})";
const std::string kSource = R"({"payload": {"protocol": "ip", "field": "saddr"}})";
const std::string kFromHome = R"({"match": {"op": "==", "left": )" + kSource +
                              R"(, "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}})";

std::string match(const std::string &left, const std::string &op, const std::string &right) {
  return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}

std::string mangle(const std::string &key, const std::string &value) {
  return R"({"mangle": {"key": )" + key + R"(, "value": )" + value + "}}";
}

std::string operation(const std::string &op, const std::string &left, const std::string &right) {
  return "{\"" + op + "\": [" + left + ", " + right + "]}";
}

std::string jump(const std::string &chain) { return R"({"jump": {"target": ")" + chain + "\"}}"; }

void expect_test(const Rule &rule, Mark mark, std::uint32_t value, std::uint32_t mask,
                 bool inverted = false) {
  ASSERT_EQ(rule.tests.size(), 1U) << rule.text;
  EXPECT_EQ(rule.tests[0].mark, mark) << rule.text;
  EXPECT_EQ(rule.tests[0].value, value) << rule.text;
  EXPECT_EQ(rule.tests[0].mask, mask) << rule.text;
  EXPECT_EQ(rule.tests[0].inverted, inverted) << rule.text;
  EXPECT_TRUE(rule.tests[0].value_known) << rule.text;
}

void expect_test_with_many(const Rule &rule, Mark mark, std::uint32_t mask) {
  ASSERT_EQ(rule.tests.size(), 1U) << rule.text;
  EXPECT_EQ(rule.tests[0].mark, mark) << rule.text;
  EXPECT_EQ(rule.tests[0].mask, mask) << rule.text;
  EXPECT_FALSE(rule.tests[0].value_known) << rule.text;
}

TEST(NftJsonReaderTest, ReadsChains) {
  const Ruleset ruleset = kReader.read(list(
      R"({"chain": {"family": "ip6", "table": "x", "name": "out", "handle": 4, "type": "route",)"
      R"("hook": "output", "prio": "mangle + 5", "policy": "accept"}})"));
  ASSERT_EQ(ruleset.chains.size(), 4U);
  EXPECT_EQ(ruleset.chains[0].family, Family::kInet);
  EXPECT_EQ(ruleset.chains[0].hook, Hook::kPrerouting);
  EXPECT_EQ(ruleset.chains[0].priority, kManglePriority);
  EXPECT_FALSE(ruleset.chains[0].reroutes);
  EXPECT_FALSE(ruleset.chains[1].hook);
  EXPECT_EQ(ruleset.chains[3].family, Family::kIpv6);
  EXPECT_EQ(ruleset.chains[3].priority, kManglePriority + 5);
  EXPECT_TRUE(ruleset.chains[3].reroutes);
  ASSERT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_TRUE(ruleset.inputs[0].is_nft);
}

TEST(NftJsonReaderTest, FoldsWhatIsWrittenToAMark) {
  const struct {
    std::string value;
    MarkExpression expected;
    const char *text;
  } cases[] = {
      {"5", bits(5), "meta mark set 0x5"},
      {kCt, kConnectionMark, "meta mark set ct mark"},
      {operation("&", kCt, "255"), kConnectionMark & bits(0xff), "meta mark set ct mark & 0xff"},
      {operation("|", operation("&", kMeta, "4294967040"), "18"),
       (kPacketMark & bits(0xffffff00)) | bits(0x12),
       "meta mark set meta mark & 0xffffff00 | 0x12"},
      {operation("<<", operation("&", kCt, "255"), "4"), (kConnectionMark & bits(0xff)) << 4,
       "meta mark set (ct mark & 0xff) << 4"},
      {operation("^", operation(">>", kCt, "8"), "1"), (kConnectionMark >> 8) ^ bits(1),
       "meta mark set ct mark >> 8 ^ 0x1"},
      {"{\"|\": [" + operation("&", kMeta, "65280") + ", 1, 2]}",
       (kPacketMark & bits(0xff00)) | bits(3), "meta mark set meta mark & 0xff00 | 0x1 | 0x2"},
      {operation("|", operation("&", kMeta, "4294901760"), operation("&", kCt, "65535")),
       (kPacketMark & bits(0xffff0000)) | (kConnectionMark & bits(0xffff)),
       "meta mark set meta mark & 0xffff0000 | ct mark & 0xffff"},
      {operation("&", operation("|", kMeta, "1"), "3"), (kPacketMark | bits(1)) & bits(3),
       "meta mark set (meta mark | 0x1) & 0x3"},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(mangle(kMeta, each.value));
    ASSERT_EQ(rule.writes.size(), 1U) << each.text;
    EXPECT_EQ(rule.writes[0].mark, Mark::kPacket) << each.text;
    EXPECT_EQ(rule.writes[0].value, each.expected) << each.text;
    EXPECT_EQ(rule.text, each.text);
    EXPECT_TRUE(rule.unknown.empty()) << each.text;
    // Without a connection nft stops where its mark is loaded.
    const bool loads_connection = each.value.find(kCt) != each.value.npos;
    ASSERT_EQ(rule.matches.size(), loads_connection ? 1U : 0U) << each.text;
    if (loads_connection) {
      EXPECT_EQ(rule.matches[0].attribute, Attribute::kHasConnection) << each.text;
      EXPECT_EQ(rule.writes[0].matches_before, 1U) << each.text;
    }
  }
}

TEST(NftJsonReaderTest, SaysInWordsWhatItCannotFold) {
  const struct {
    std::string value;
    std::uint32_t unknown;
    const char *words;
  } cases[] = {
      {R"({"map": {"key": )" + kSource + R"(, "data": "@marks"}})", kAllBits,
       "ct mark set ip saddr map @marks"},
      {R"({"map": {"key": )" + kSource +
           R"(, "data": {"set": [["10.0.0.1", 1], ["10.0.0.2", 2]]}}})",
       kAllBits, "ct mark set ip saddr map { 10.0.0.1 : 0x1, 10.0.0.2 : 0x2 }"},
      {R"({"numgen": {"mode": "inc", "mod": 2, "offset": 0}})", kAllBits, "ct mark set numgen ..."},
      {operation("&", R"({"meta": {"key": "cpu"}})", "15"), 15, "ct mark set meta cpu & 0xf"},
      {"\"uplink\"", kAllBits, "ct mark set uplink"},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(mangle(kCt, each.value));
    ASSERT_EQ(rule.writes.size(), 1U) << each.words;
    EXPECT_EQ(rule.writes[0].value.unknown_bits(), each.unknown) << each.words;
    EXPECT_EQ(rule.unknown, std::vector<std::string>{each.words});
    // What is not in the map goes on to the next rule.
    EXPECT_EQ(rule.has_other_matches(), each.value.find("map") != each.value.npos) << each.words;
  }
}

TEST(NftJsonReaderTest, FoldsStatementsInTheirOrder) {
  const Rule rule = only_rule(mangle(kMeta, operation("&", kCt, "255")) + "," +
                              mangle(kCt, operation("<<", kMeta, "8")));
  ASSERT_EQ(rule.writes.size(), 2U);
  EXPECT_EQ(rule.writes[1].mark, Mark::kConnection);
  EXPECT_EQ(rule.writes[1].value, (kConnectionMark & bits(0xff)) << 8);
}

TEST(NftJsonReaderTest, ReadsTestsOfMarks) {
  expect_test(only_rule(match(kMeta, "==", "5")), Mark::kPacket, 5, kAllBits);
  expect_test(only_rule(match(kCt, "!=", "0")), Mark::kConnection, 0, kAllBits, true);
  expect_test(only_rule(match(operation("&", kMeta, "255"), "==", "1")), Mark::kPacket, 1, 0xff);
  expect_test(only_rule(match(operation(">>", kMeta, "8"), "==", "1")), Mark::kPacket, 0x100,
              0xffffff00);
  expect_test(only_rule(match(operation("^", kMeta, "3"), "==", "1")), Mark::kPacket, 2, kAllBits);
  expect_test(only_rule(match(kMeta, "in", "6")), Mark::kPacket, 0, 6, true);
  const Rule never = only_rule(match(operation("&", kMeta, "240"), "==", "1"));
  ASSERT_EQ(never.tests.size(), 1U);
  EXPECT_NE(never.tests[0].value & ~never.tests[0].mask, 0U);
}

TEST(NftJsonReaderTest, ReadsTestsWithMoreThanOneNumber) {
  expect_test_with_many(only_rule(match(kMeta, "==", R"({"set": [1, 2]})")), Mark::kPacket,
                        kAllBits);
  expect_test_with_many(only_rule(match(operation("&", kCt, "15"), "==", R"("@marks")")),
                        Mark::kConnection, 15);
  expect_test_with_many(only_rule(match(kMeta, "!=", R"({"range": [1, 5]})")), Mark::kPacket,
                        kAllBits);
  expect_test_with_many(only_rule(match(kMeta, "<", "5")), Mark::kPacket, kAllBits);
  expect_test_with_many(only_rule(match(kMeta, "==", R"("uplink")")), Mark::kPacket, kAllBits);
  const Rule concatenated =
      only_rule(match(R"({"concat": [)" + kSource + ", " + kMeta + "]}", "==", R"("@pairs")"));
  expect_test_with_many(concatenated, Mark::kPacket, kAllBits);
  EXPECT_TRUE(concatenated.has_other_matches());
}

TEST(NftJsonReaderTest, SeesMarksInAnyOtherStatement) {
  expect_test_with_many(only_rule(R"({"set": {"op": "add", "elem": {"concat": [)" + kSource + ", " +
                                  kMeta + R"(]}, "set": "@seen"}})"),
                        Mark::kPacket, kAllBits);
  const Rule dnat = only_rule(R"({"dnat": {"family": "ip", "addr": {"map": {"key": )" + kCt +
                              R"(, "data": {"set": [[1, "10.0.0.1"]]}}}}})");
  expect_test_with_many(dnat, Mark::kConnection, kAllBits);
  EXPECT_TRUE(dnat.ends_chain());
  EXPECT_EQ(dnat.text, "dnat to ct mark map { 0x1 : 10.0.0.1 }");
}

TEST(NftJsonReaderTest, WritesRulesAsNftDoes) {
  const Ruleset ruleset = kReader.read(
      list(rule(kFromHome + "," +
                    match(R"({"ct": {"key": "state"}})", "in", R"(["established", "related"])") +
                    R"(, {"counter": {"packets": 1, "bytes": 2}}, )" +
                    match(operation("&", kMeta, "255"), "==", "1") +
                    R"(, {"limit": {"rate": 5, "per": "second"}}, )" + mangle(kCt, kMeta) +
                    R"(, {"accept": null})",
                R"("comment": "home", )")));
  ASSERT_EQ(ruleset.rules.size(), 1U);
  const Rule &rule = ruleset.rules[0];
  EXPECT_EQ(rule.text,
            "ip saddr 10.0.0.0/8 ct state established,related meta mark & 0xff == 0x1 limit ..."
            " ct mark set meta mark accept comment \"home\"");
  EXPECT_EQ(rule.comment, "home");
  EXPECT_EQ(rule.number, 7U);
  EXPECT_EQ(rule.line, 0U);
  EXPECT_TRUE(rule.has_other_matches());
  EXPECT_TRUE(rule.ends_chain());
}

TEST(NftJsonReaderTest, FollowsJumps) {
  const Rule jumps = only_rule(kFromHome + "," + jump("a"));
  EXPECT_EQ(jumps.outcome.chain, 1U);
  EXPECT_EQ(jumps.text, "");
  EXPECT_TRUE(jumps.has_other_matches());
  const Rule goes = only_rule(match(kMeta, "==", "1") + R"(, {"goto": {"target": "b"}})");
  EXPECT_EQ(goes.outcome.chain, 2U);
  EXPECT_TRUE(goes.is_goto());
  EXPECT_EQ(goes.text, "meta mark 0x1 goto b");
}

TEST(NftJsonReaderTest, FollowsEachVerdictOfAMapOnce) {
  const std::vector<Rule> rules =
      rules_of(mangle(kCt, "1") + R"(, {"vmap": {"key": )" + operation("&", kMeta, "255") +
               R"(, "data": {"set": [[1, )" + jump("a") + "], [2, " + jump("a") +
               R"(], [3, {"goto": {"target": "b"}}], [4, {"accept": null}]]}}})");
  ASSERT_EQ(rules.size(), 1U);
  const Rule &rule = rules[0];
  EXPECT_EQ(rule.outcome, Branch{});
  ASSERT_TRUE(rule.branches);
  EXPECT_EQ(*rule.branches,
            (std::vector<Branch>{{Verdict::kJump, 1}, {Verdict::kGoto, 2}, {Verdict::kAccept}}));
  EXPECT_EQ(rule.text,
            "ct mark set 0x1 meta mark & 0xff vmap { 0x1 : jump a, 0x2 : jump a, 0x3 : goto b,"
            " 0x4 : accept }");
  expect_test_with_many(rule, Mark::kPacket, 0xff);
  EXPECT_EQ(rule.writes.size(), 1U);
}

TEST(NftJsonReaderTest, FollowsNamedMapsWhereverTheyAreListed) {
  const std::string map =
      R"({"map": {"family": "inet", "table": "t", "name": "m", "type": "mark", "handle": 9,)"
      R"("map": "verdict", "elem": [[1, )" +
      jump("a") + R"(], [{"elem": {"val": 2, "comment": "x"}}, )" + jump("b") + "]]}}";
  const std::string uses = rule(R"({"vmap": {"key": )" + kMeta + R"(, "data": "@m"}})");
  const std::string other = rule(mangle(kMeta, "1"));
  for (const std::string &objects :
       {map + "," + uses + "," + uses + "," + other, uses + "," + uses + "," + other + "," + map}) {
    const std::vector<Rule> rules = kReader.read(list(objects)).rules;
    ASSERT_EQ(rules.size(), 3U);
    ASSERT_TRUE(rules[0].branches);
    EXPECT_EQ(*rules[0].branches, (std::vector<Branch>{{Verdict::kJump, 1}, {Verdict::kJump, 2}}));
    EXPECT_EQ(rules[0].text, "meta mark vmap @m");
    EXPECT_EQ(rules[1].branches, rules[0].branches);  // one map
    EXPECT_EQ(rules[2].writes.size(), 1U);
  }
}

TEST(NftJsonReaderTest, LeavesOutWhatHasToDoWithNeitherMarksNorTheWay) {
  EXPECT_TRUE(rules_of(kFromHome + R"(, {"counter": {"packets": 1, "bytes": 2}})").empty());
  EXPECT_TRUE(rules_of(R"({"tproxy": {"port": 5}})").empty());
  EXPECT_TRUE(rules_of(R"({"xt": {"type": "target", "name": "LOG"}})").empty());
  EXPECT_TRUE(rules_of(R"({"vmap": {"key": )" + kSource +
                       R"(, "data": {"set": [["10.0.0.1", {"continue": null}]]}}})")
                  .empty());
}

TEST(NftJsonReaderTest, KeepsTheWayOfPacketsWithoutMarks) {
  const struct {
    const char *statement;
    Verdict verdict;
  } cases[] = {
      {R"({"accept": null})", Verdict::kAccept},
      {R"({"queue": {"num": 1}})", Verdict::kAccept},
      {R"({"dnat": {"addr": "10.0.0.1"}})", Verdict::kAccept},
      {R"({"masquerade": null})", Verdict::kAccept},
      {R"({"drop": null})", Verdict::kDrop},
      {R"({"reject": {"type": "icmpx", "expr": "port-unreachable"}})", Verdict::kDrop},
      {R"({"fwd": {"dev": "lo"}})", Verdict::kDrop},
      {R"({"synproxy": {"mss": 1460}})", Verdict::kDrop},
      {R"({"return": null})", Verdict::kReturn},
      {R"({"tproxy": {"port": 5}}, {"accept": null})", Verdict::kAccept},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(each.statement);
    EXPECT_EQ(rule.outcome.verdict, each.verdict) << each.statement;
    EXPECT_EQ(rule.text, "") << each.statement;
  }
  EXPECT_TRUE(only_rule(R"({"notrack": null})").untracks);
  const Rule maps = only_rule(R"({"vmap": {"key": )" + kSource +
                              R"(, "data": {"set": [["10.0.0.1", {"drop": null}]]}}})");
  ASSERT_TRUE(maps.branches);
  EXPECT_EQ(*maps.branches, std::vector<Branch>{{Verdict::kDrop}});
}

TEST(NftJsonReaderTest, SaysWhatIptablesExtensionsHide) {
  const Rule rule = only_rule(R"({"xt": {"type": "match", "name": "connmark"}}, )"
                              R"({"xt": {"type": "target", "name": "CONNMARK"}})");
  EXPECT_EQ(rule.unknown,
            (std::vector<std::string>{"xt match connmark, whose options nft -j does not show",
                                      "xt target CONNMARK, whose options nft -j does not show"}));
  EXPECT_TRUE(rule.writes.empty());
  EXPECT_EQ(rule.text, "xt match \"connmark\" xt target \"CONNMARK\"");
}

TEST(NftJsonReaderTest, RefusesWithFileLineColumnAndWords) {
  EXPECT_EQ(kReader.refusal("{\"nftables\": [\n{\"metainfo\": {}"),
            "nft.json: line 2: column 15: the JSON text ends here, but it is not complete");
  EXPECT_EQ(kReader.refusal(""),
            "nft.json: line 1: column 0: is empty, give what \"nft -j list ruleset\""
            " prints");
  EXPECT_EQ(kReader.refusal("*mangle\n"),
            "nft.json: line 1: column 1: \"*\" is not JSON, give what"
            " \"nft -j list ruleset\" prints");
  EXPECT_EQ(kReader.refusal("[]"),
            "nft.json: line 1: column 1: is JSON, but not what \"nft -j list ruleset\""
            " prints");
  EXPECT_EQ(kReader.refusal("{\"nftables\": [\n{\"rule\": {\"family\": \"inet\"}}]}"),
            "nft.json: line 2: column 28: a rule without \"chain\", give what"
            " \"nft -j list ruleset\" prints");
  EXPECT_EQ(kReader.refusal(list(rule(jump("c")))),
            "nft.json: chain \"c\" is used, but not listed, give all that \"nft -j list ruleset\""
            " prints");
  EXPECT_EQ(kReader.refusal(list(rule(R"({"vmap": {"key": )" + kMeta + R"(, "data": "@m"}})"))),
            "nft.json: map \"m\" is used, but not listed, give all that \"nft -j list ruleset\""
            " prints");
  const std::string mark = kReader.refusal(list(rule(mangle(kMeta, "4294967296"))));
  EXPECT_TRUE(mark.ends_with("mark \"4294967296\" is out of range, give 0 to 4294967295")) << mark;
}

TEST(NftJsonReaderTest, RefusesForeignTexts) {
  for (const std::string &text : std::vector<std::string>{
           "table ip t {\n}\n", "<html>", "{}", "{\"nftables\": {}}", "{\"nftables\": [1]}",
           "{\"nftables\": [[]]}", "{\"nftables\": []} x", "5", "\"x\"", "null",
           std::string("\0\0", 2), "{\"a\": \"\xff\"}", "[{\"priority\":0,\"src\":\"all\"}]",
           "{\"nftables\": [{\"rule\": []}]}", "{\"nftables\": [{\"chain\": {\"name\": 5}}]}",
           R"({"nftables": [{"chain": {"family": "x", "table": "t", "name": "c"}}]})"}) {
    const std::string words = kReader.refusal(text);
    EXPECT_TRUE(words.starts_with("nft.json: line ")) << text << '\n' << words;
    for (const char c : words) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << words;
  }
}

TEST(NftJsonReaderTest, RefusesWhatIsTooDeepOrTooLong) {
  const std::string deep = list(rule(mangle(kMeta, std::string(100000, '['))));
  EXPECT_TRUE(kReader.refusal(deep).ends_with("is nested deeper than 64 levels"))
      << kReader.refusal(deep);
  EXPECT_TRUE(kReader.refusal(std::string(100000, '[')).find("is JSON, but not") !=
              std::string::npos);
  EXPECT_TRUE(
      kReader.refusal("{\"a\":" + std::string(100000, '{')).starts_with("nft.json: line 1: "));
  const std::string text = kReader.refusal("{\"nftables\": [{\"" + std::string(400000, 'x'));
  EXPECT_TRUE(text.ends_with("more than 65536 bytes without a value")) << text;
}

TEST(NftJsonReaderTest, SkipsTheElementsOfSetsHoweverMany) {
  std::string elements =
      R"("10.0.0.1", {"elem": {"val": "10.0.0.2", "counter": {"packets": 1}}}, [1])";
  for (int i = 0; i < 30000; ++i) elements += ", \"10.0.0.3\"";
  const Ruleset ruleset = kReader.read(list(
      R"({"set": {"family": "inet", "name": "s", "table": "t", "type": "ipv4_addr", "elem": [)" +
      elements + R"(], "flags": ["interval"]}}, {"set": {"elem": 5, "name": "s"}},)" +
      rule(mangle(kMeta, "1"))));
  EXPECT_EQ(ruleset.rules.size(), 1U);
}

TEST(NftJsonReaderTest, LeavesTheRulesetAsItWasAfterARefusal) {
  Ruleset ruleset;
  kReader.add(list(rule(mangle(kMeta, "1"))), ruleset);
  EXPECT_THROW(kReader.add(list(rule(mangle(kMeta, "1")) + "," + rule(jump("c"))), ruleset),
               Refusal);
  EXPECT_EQ(ruleset.inputs.size(), 1U);
  EXPECT_EQ(ruleset.chains.size(), 3U);
  EXPECT_EQ(ruleset.rules.size(), 1U);
}

TEST(NftJsonReaderTest, ATableThatIsSwitchedOffHasNoRules) {
  for (const char *const flags : {R"(["dormant"])", R"("dormant")"}) {
    const Ruleset ruleset =
        kReader.read(R"({"nftables": [{"table": {"family": "inet", "name": "t", "flags": )" +
                     std::string(flags) + "}}," + rule(mangle(kMeta, "1")) + "]}");
    EXPECT_TRUE(ruleset.rules.empty());
    EXPECT_TRUE(ruleset.chains.empty());
  }
}

TEST(NftJsonReaderTest, WhateverAMarkFlowsIntoHasLookedAtIt) {
  const std::string by_mark = R"({"map": {"key": )" + kCt + R"(, "data": "@m"}})";
  const struct {
    std::string statement;
    bool decides;
  } cases[] = {
      {R"({"set": {"op": "add", "elem": )" + kCt + R"(, "set": "@seen"}})", false},
      {R"({"counter": )" + by_mark + "}", true},
      {mangle(R"({"meta": {"key": "priority"}})", by_mark), true},
      {mangle(R"({"ct": {"key": "zone"}})", kCt), false},
      {mangle(kMeta, R"({"jhash": {"mod": 4, "expr": )" + kCt + "}}"), false},
      {match(R"({"jhash": {"mod": 4, "expr": )" + kCt + "}}", "==", "1"), true},
  };
  for (const auto &each : cases) {
    const Rule rule = only_rule(each.statement);
    expect_test_with_many(rule, Mark::kConnection, kAllBits);
    EXPECT_EQ(rule.tests.at(0).decides, each.decides) << each.statement;
    EXPECT_EQ(rule.unknown.size(), rule.writes.size()) << each.statement;
  }
  const Rule route = only_rule(
      match(R"({"fib": {"result": "oif", "flags": ["saddr", "mark"]}})", "==", R"("lo")"));
  expect_test_with_many(route, Mark::kPacket, kAllBits);
  EXPECT_TRUE(route.unknown.empty());
}

TEST(NftJsonReaderTest, DistrustsSetsThatRulesChange) {
  const std::string looks = match(kSource, "==", R"("@s")") + R"(, {"accept": null})";
  const std::string adds = R"({"set": {"op": "add", "elem": )" + kSource + R"(, "set": "@s"}})";
  const std::vector<Rule> alone = kReader.read(list(rule(looks))).rules;
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_TRUE(alone[0].matches.back().is_stable);
  const std::vector<Rule> changed = kReader.read(list(rule(looks) + "," + rule(adds))).rules;
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_FALSE(changed[0].matches.back().is_stable);
}

// nft's own list, against what the kernel's registers fold to.
TEST(NftKernelTest, ReadsWhatTheKernelHolds) {
  if (!is_installed("nft")) GTEST_SKIP() << "nft is not installed";
  if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  const CommandResult loaded = run({"nft", "-f", "-"}, R"(
table inet t {
  map marks { type ipv4_addr : mark; elements = { 10.0.0.1 : 0x1 }
  }
  set known { type mark; elements = { 1, 2 }
  }
  chain a { counter
  }
  chain b { counter
  }
  map verdicts { type mark : verdict; elements = { 1 : jump a, 2 : goto b, 3 : accept }
  }
  chain pre {
    type filter hook prerouting priority mangle
    meta mark set ct mark
    meta mark & 0xff == 0x1 ct mark set meta mark comment "mine"
    ct mark & 0xff != 0x1 meta mark set ct mark & 0xffff0000
    meta mark set meta mark and 0xffffff00 xor 0x12
    ct mark set ct mark << 4
    ct mark set (meta mark & 0xff) << 4
    meta mark set ip saddr map @marks
    meta mark @known accept
    meta mark { 1, 2, 3 } drop
    meta mark 1-5 return
    meta mark vmap @verdicts
    ip saddr 10.0.0.0/24 tcp dport { 22, 80 } meta mark 0 limit rate 5/second meta mark set 1 reject
    meta mark set 5 ct mark set mark
    ct state established,related ct mark != 0 meta mark set ct mark
    ip daddr vmap { 10.0.0.4 : jump a, 10.0.0.5 : goto b, 10.0.0.6 : accept }
    meta mark & 0xff vmap { 1 : jump a, 2 : goto b }
    meta mark set numgen inc mod 2
    ip saddr . meta mark vmap { 10.0.0.4 . 0x1 : jump a }
    ip protocol icmp jump a
    meta mark set ct mark or 0x3
  }
  chain out {
    type route hook output priority mangle
    ct mark set 0x16
  }
}
table netdev nd {
  chain in {
    type filter hook ingress device lo priority 0
    meta mark set 1
  }
}
)");
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  const Ruleset text = kReader.read(run({"nft", "-j", "list", "ruleset"}).out);
  Ruleset kernel;
  read_nf_tables(kernel);

  std::map<std::string, const Chain *> chains;
  for (const Chain &chain : kernel.chains) chains[chain.table + " " + chain.name] = &chain;
  ASSERT_EQ(text.chains.size(), chains.size());
  for (const Chain &chain : text.chains) {
    const auto found = chains.find(chain.table + " " + chain.name);
    ASSERT_NE(found, chains.end()) << chain.name;
    EXPECT_EQ(chain.family, found->second->family) << chain.name;
    EXPECT_EQ(chain.hook, found->second->hook) << chain.name;
    EXPECT_EQ(chain.priority, found->second->priority) << chain.name;
    EXPECT_EQ(chain.reroutes, found->second->reroutes) << chain.name;
  }

  std::multimap<std::string, const Rule *> rules;
  const auto key = [](const Ruleset &ruleset, const Rule &rule) {
    const Chain &chain = ruleset.chains[rule.chain];
    return chain.table + " " + chain.name + " " + std::to_string(rule.number) + " " +
           (rule.outcome.chain == kNoChain ? "" : ruleset.chains[rule.outcome.chain].name);
  };
  for (const Rule &rule : kernel.rules) rules.emplace(key(kernel, rule), &rule);
  EXPECT_EQ(text.rules.size(), rules.size());
  for (const Rule &rule : text.rules) {
    const auto found = rules.find(key(text, rule));
    ASSERT_NE(found, rules.end()) << key(text, rule) << ": " << rule.text;
    const Rule &same = *found->second;
    EXPECT_EQ(rule.is_goto(), same.is_goto()) << rule.text;
    EXPECT_EQ(rule.comment, same.comment) << rule.text;
    EXPECT_EQ(rule.ends_chain(), same.ends_chain()) << rule.text;
    EXPECT_EQ(rule.has_other_matches(), same.has_other_matches()) << rule.text;
    EXPECT_EQ(rule.unknown.size(), same.unknown.size()) << rule.text;
    ASSERT_EQ(rule.tests.size(), same.tests.size()) << rule.text;
    for (std::size_t i = 0; i < rule.tests.size(); ++i) {
      EXPECT_EQ(rule.tests[i].mark, same.tests[i].mark) << rule.text;
      EXPECT_EQ(rule.tests[i].mask, same.tests[i].mask) << rule.text;
      EXPECT_EQ(rule.tests[i].value_known, same.tests[i].value_known) << rule.text;
      EXPECT_EQ(rule.tests[i].value, same.tests[i].value) << rule.text;
      EXPECT_EQ(rule.tests[i].inverted, same.tests[i].inverted) << rule.text;
    }
    ASSERT_EQ(rule.writes.size(), same.writes.size()) << rule.text;
    for (std::size_t i = 0; i < rule.writes.size(); ++i) {
      EXPECT_EQ(rule.writes[i].mark, same.writes[i].mark) << rule.text;
      EXPECT_EQ(rule.writes[i].value, same.writes[i].value) << rule.text;
    }
  }
}

}  // namespace
}  // namespace connmark::test
