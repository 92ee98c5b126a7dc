// SPDX-License-Identifier: GPL-2.0-or-later
//
// What it takes to read a list of nft stays in proportion to it, whoever wrote it.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "command/read_files/nft_json_reader.h"
#include "command/refusal.h"
#include "command/temporary_file.h"

namespace connmark::test {
namespace {

constexpr std::uint64_t kMostTimes = 40;
constexpr std::uint64_t kMostKilobytes = 30'000;  // besides

std::string repeated(int count, const std::function<std::string(int)> &each) {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(i == 0 ? "" : ",").append(each(i));
  return text;
}

std::string number(int value) { return std::to_string(value); }

const std::string kMark = R"({"meta":{"key":"mark"}})";

std::string chain(const std::string &name) {
  return R"({"chain":{"family":"ip","table":"t","name":")" + name + R"(","handle":1}})";
}

std::string rule(const std::string &statements) {
  return R"({"rule":{"family":"ip","table":"t","chain":"c","handle":1,"expr":[)" + statements +
         "]}}";
}

std::string jumps(int count) {
  return repeated(count, [](int i) {
    return "[" + number(i) + R"(,{"jump":{"target":"j)" + number(i) + "\"}}]";
  });
}

std::string chains(int count) {
  return repeated(count, [](int i) { return chain("j" + number(i)); });
}

struct Hostile {
  const char *name;
  std::function<std::string()> objects;
};

std::uint64_t resident_kilobytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t pages = 0;
  in >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

// In a process of its own, so that nothing else counts; negative for a refusal.
std::int64_t kilobytes_to_read(const std::string &path) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t before = resident_kilobytes();
    std::int64_t result = -1;
    try {
      Ruleset ruleset;
      std::ifstream in(path);
      read_nft_json(in, path, ruleset);
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      result = std::max<std::int64_t>(0, usage.ru_maxrss - static_cast<std::int64_t>(before));
    } catch (const Refusal &) {
      result = -1;
    }
    _exit(write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  close(ends[1]);
  std::int64_t result = -1;
  if (read(ends[0], &result, sizeof result) != sizeof result) result = -1;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return result;
}

TEST(NftJsonGrowthTest, MemoryIsInProportionToTheList) {
  const std::string map_use = rule(R"({"vmap":{"key":)" + kMark + R"(,"data":"@m"}})");
  const Hostile cases[] = {
      {"many rules that name one long map",
       [&] {
         return chains(3000) + "," + chain("c") +
                R"(,{"map":{"family":"ip","name":"m","table":"t","handle":1,"elem":[)" +
                jumps(3000) + "]}}," + repeated(3000, [&](int) { return map_use; });
       }},
      {"many maps without a name",
       [] {
         return chains(100) + "," + chain("c") + "," + repeated(300, [](int) {
                  return rule(R"({"vmap":{"key":)" + kMark + R"(,"data":{"set":[)" + jumps(100) +
                              "]}}}");
                });
       }},
      {"a rule of many tests and many jumps",
       [] {
         return chains(3000) + "," + chain("c") + "," +
                rule(repeated(100'000,
                              [](int i) {
                                return R"({"match":{"op":"==","left":)" + kMark +
                                       ",\"right\":" + number(i) + "}}";
                              }) +
                     R"(,{"vmap":{"key":)" + kMark + R"(,"data":{"set":[)" + jumps(3000) + "]}}}");
       }},
      {"a rule of many writes",
       [] {
         return chain("c") + "," + rule(repeated(50'000, [](int i) {
                  return R"({"mangle":{"key":)" + kMark + R"(,"value":{"numgen":{"mod":)" +
                         number(i) + "}}}}";
                }));
       }},
      {"one long value",
       [] {
         return chain("c") + "," +
                rule(R"({"mangle":{"key":)" + kMark + R"(,"value":{"|":[)" + kMark + "," +
                     repeated(500'000, [](int) { return "1"; }) + "]}}}");
       }},
      {"empty objects",
       [] {
         return chain("c") + "," +
                rule(R"({"x":[)" + repeated(500'000, [](int) { return "{}"; }) + "]}");
       }},
      {"a long name, again and again",
       [] {
         const std::string name(60'000, 'x');
         return chain(name) + "," + repeated(50, [&](int) {
                  return R"({"rule":{"family":"ip","table":"t","chain":")" + name +
                         R"(","handle":1,"expr":[{"accept":null}]}})";
                });
       }},
      {"rules of hardly anything",
       [] {
         return chain("c") + "," + repeated(50'000, [](int) { return rule(R"({"drop":null})"); });
       }},
  };
  for (const Hostile &each : cases) {
    std::uint64_t size = 0;
    std::optional<TemporaryFile> file;
    {
      const std::string text = "{\"nftables\":[" + each.objects() + "]}";
      size = text.size();
      file.emplace(text);
    }
    const std::int64_t kilobytes = kilobytes_to_read(file->path());
    ASSERT_GE(kilobytes, 0) << each.name;
    EXPECT_LE(static_cast<std::uint64_t>(kilobytes), kMostTimes * size / 1024 + kMostKilobytes)
        << each.name << ", " << size << " bytes";
    std::printf("%s: %.1f times %.1f MB\n", each.name,
                static_cast<double>(kilobytes) * 1024 / static_cast<double>(size),
                static_cast<double>(size) / 1e6);
  }
}

}  // namespace
}  // namespace connmark::test
