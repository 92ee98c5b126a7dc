// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/other_program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace connmark {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

bool write_all(int file, const std::string &text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = write(file, text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    written += static_cast<std::size_t>(size);
  }
  return lseek(file, 0, SEEK_SET) == 0;
}

std::string read_all(int file) {
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t size = read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

constexpr const char *kFolders[] = {"/usr/sbin/", "/sbin/",           "/usr/bin/",
                                    "/bin/",      "/usr/local/sbin/", "/usr/local/bin/"};

std::optional<std::string> path_of(const std::string &program) {
  for (const char *folder : kFolders) {
    const std::string path = folder + program;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ProgramRun> run_program(const std::vector<std::string> &argv,
                                      const std::string &input) {
  const auto path = path_of(argv[0]);
  if (!path) return std::nullopt;
  // A file, not a pipe: a program that writes before it has read all its input
  // would wait for this one, and this one for it.
  const Descriptor in(memfd_create("input", MFD_CLOEXEC));
  if (!in.is_open() || !write_all(in.number(), input)) return std::nullopt;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Descriptor out(ends[0]);
  Descriptor child_out(ends[1]);
  const Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));

  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) {
    std::vector<char *> arguments;
    for (const std::string &word : argv) arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    if (dup2(in.number(), STDIN_FILENO) < 0 || dup2(child_out.number(), STDOUT_FILENO) < 0) {
      _exit(127);
    }
    if (nowhere.is_open()) dup2(nowhere.number(), STDERR_FILENO);
    execv(path->c_str(), arguments.data());
    _exit(127);
  }
  child_out.close();
  ProgramRun run{read_all(out.number())};
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  constexpr int kNotRun = 127;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotRun) return std::nullopt;
  run.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  run.crashed = WIFSIGNALED(status);
  return run;
}

}  // namespace connmark
