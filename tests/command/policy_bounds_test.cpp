// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever the readers of ip rule and sysctl are given, memory and work stay in
// proportion to it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "command/connmark_command.h"
#include "command/temporary_file.h"

namespace connmark::test {
namespace {

constexpr std::size_t kSize = 3'000'000;
constexpr double kMostForEachByte = 40;
constexpr double kMostBesides = 30e6;

struct Shape {
  const char *name;
  const char *option;
  const char *before;
  const char *each;  // '#' is a number that grows
  const char *after;
};

constexpr Shape kShapes[] = {
    {"shortest rules", "--rules", "", "1:from a\n", ""},
    {"rules with one prefix", "--rules", "", "1:from ::\n", ""},
    {"rules with marks", "--rules", "", "1:from a fwmark 1\n", ""},
    {"falling priorities", "--rules", "", "2:from a\n1:from a\n", ""},
    {"rules with many matches", "--rules", "",
     "1:from 1::1 to 1::1 iif a oif a iif a oif a iif a oif a iif a oif a iif a oif a iif a\n", ""},
    {"rules with many unknown words", "--rules", "", "1:from a a a a a a a a a a a a a a a a\n",
     ""},
    {"shortest rules in JSON", "--rules", "[{\"priority\":1,\"src\":\"a\"}",
     ",{\"priority\":1,\"src\":\"a\"}", "]"},
    {"unknown members in JSON", "--rules", "[{\"priority\":1,\"src\":\"a\"", ",\"#\":1", "}]"},
    {"an unknown list in JSON", "--rules", "[{\"priority\":1,\"src\":\"a\",\"b\":[1", ",1", "]}]"},
    {"an unknown list of lists in JSON", "--rules", "[{\"priority\":1,\"src\":\"a\",\"b\":[1",
     ",[1]", "]}]"},
    {"interfaces", "--sysctl", "",
     "net.ipv4.conf.e#.rp_filter = 1\nnet.ipv4.conf.e#.src_valid_mark = 0\n", ""},
    {"interfaces with one setting", "--sysctl", "", "net.ipv4.conf.#.rp_filter=1\n", ""},
    {"the same interface", "--sysctl", "", "net.ipv4.conf.e.rp_filter=1\n", ""},
};

std::string text_of(const Shape &shape, std::size_t size) {
  std::string text = shape.before;
  for (std::size_t i = 0; text.size() < size; ++i) {
    for (const char *c = shape.each; *c != '\0'; ++c) {
      if (*c == '#') {
        text += std::to_string(i);
      } else {
        text += *c;
      }
    }
  }
  return text + shape.after;
}

struct Cost {
  int status = -1;
  double peak_bytes = 0;
};

Cost cost_of(const Shape &shape, const std::string &file) {
  const std::string command = connmark_path();
  const std::string owners = owners_file();
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execl(command.c_str(), command.c_str(), "audit", "--owners", owners.c_str(), shape.option,
          file.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) return {};
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .peak_bytes = static_cast<double>(usage.ru_maxrss) * 1024};
}

// Nothing where valgrind has not counted.
std::optional<double> instructions(const Shape &shape, std::size_t size) {
  const TemporaryFile file(text_of(shape, size));
  const CommandResult result =
      run({"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", connmark_path(),
           "audit", "--owners", owners_file(), shape.option, file.path()});
  const std::string label = "Collected : ";
  const std::size_t at = result.err.find(label);
  if (at == result.err.npos) return std::nullopt;
  return std::stod(result.err.substr(at + label.size()));
}

TEST(PolicyBoundsTest, MemoryStaysInProportion) {
  for (const Shape &shape : kShapes) {
    const TemporaryFile file(text_of(shape, kSize));
    const Cost cost = cost_of(shape, file.path());
    EXPECT_EQ(cost.status, 0) << shape.name;
    EXPECT_LT(cost.peak_bytes, kMostForEachByte * kSize + kMostBesides) << shape.name;
  }
}

TEST(PolicyBoundsTest, WorkGrowsWithTheText) {
  if (!is_installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  for (const Shape &shape : kShapes) {
    const auto few = instructions(shape, 20'000);
    const auto many = instructions(shape, 200'000);
    if (!few || !many) GTEST_SKIP() << "valgrind does not count instructions here";
    EXPECT_LT(*many / *few, 13) << shape.name;
  }
}

}  // namespace
}  // namespace connmark::test
