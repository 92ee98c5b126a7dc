// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/memory_use.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "command/refusal.h"
#include "support/command.h"

namespace connmark::test {
namespace {

std::size_t resident_now() {
  std::ifstream in("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

struct Report {
  std::size_t bytes = 0;
  double seconds = 0;
  std::array<char, 200> refusal = {};
};

[[noreturn]] void work_and_report(const std::function<void()> &work, int to, int who) {
  Report report;
  // The kernel's own high-water mark begins anew.
  std::ofstream("/proc/self/clear_refs") << "5";
  const std::size_t before = who == RUSAGE_SELF ? resident_now() : 0;
  try {
    work();
  } catch (const Refusal &refused) {
    std::string(refused.what()).copy(report.refusal.data(), report.refusal.size() - 1);
  }
  rusage usage{};
  getrusage(who, &usage);
  const auto most = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  report.bytes = most > before ? most - before : 0;
  report.seconds = static_cast<double>(usage.ru_utime.tv_sec) +
                   static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
  const bool told = write(to, &report, sizeof report) == sizeof report;
  _exit(told ? 0 : 1);
}

std::optional<ResourceUse> use_of(const std::function<void()> &work, int who) {
  std::array<int, 2> ends = {};
  if (pipe(ends.data()) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) work_and_report(work, ends[1], who);
  close(ends[1]);
  Report report;
  const bool told = child > 0 && read(ends[0], &report, sizeof report) == sizeof report;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  if (!told) return std::nullopt;
  return ResourceUse{report.bytes, report.seconds, report.refusal.data()};
}

}  // namespace

std::optional<ResourceUse> use_of(const std::function<void()> &work) {
  return use_of(work, RUSAGE_SELF);
}

std::optional<ResourceUse> use_of_program(const std::vector<std::string> &argv,
                                          const std::string &input) {
  return use_of([&] { run(argv, input); }, RUSAGE_CHILDREN);
}

}  // namespace connmark::test
