// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>

namespace connmark::test {
namespace {

// The folders of administrators' programs are not on every user's PATH.
std::string search_path() {
  const char *path = std::getenv("PATH");
  return std::string(path != nullptr ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;

  static void close_end(int &end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

[[noreturn]] void start(const std::vector<std::string> &argv,
                        const std::vector<std::string> &environment) {
  setenv("PATH", search_path().c_str(), 1);
  for (const std::string &entry : environment) {
    const std::size_t equals = entry.find('=');
    setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
  std::vector<char *> arguments;
  for (const std::string &argument : argv) {
    arguments.push_back(const_cast<char *>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

// Reads what is there into `text`; closes `end` at the end of the stream.
void receive(int &end, std::string &text) {
  char buffer[65536];
  const ssize_t size = read(end, buffer, sizeof buffer);
  if (size > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  } else if (size == 0 || errno != EINTR) {
    Pipe::close_end(end);
  }
}

// Writes what the pipe takes; closes `end` when all is written.
void send(int &end, std::string_view &input) {
  const ssize_t size = write(end, input.data(), input.size());
  if (size > 0) input.remove_prefix(static_cast<std::size_t>(size));
  if (input.empty() || (size < 0 && errno != EINTR && errno != EAGAIN)) Pipe::close_end(end);
}

}  // namespace

CommandResult run(const std::vector<std::string> &argv, std::string_view input,
                  const std::vector<std::string> &environment) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    dup2(in.read_end, STDIN_FILENO);
    dup2(out.write_end, STDOUT_FILENO);
    dup2(err.write_end, STDERR_FILENO);
    start(argv, environment);
  }
  Pipe::close_end(in.read_end);
  Pipe::close_end(out.write_end);
  Pipe::close_end(err.write_end);
  fcntl(in.write_end, F_SETFL, O_NONBLOCK);
  if (input.empty()) Pipe::close_end(in.write_end);

  CommandResult result;
  while (out.read_end >= 0 || err.read_end >= 0) {
    pollfd ends[] = {
        {out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}, {in.write_end, POLLOUT, 0}};
    if (poll(ends, 3, -1) < 0 && errno != EINTR) break;
    if (ends[0].revents != 0) receive(out.read_end, result.out);
    if (ends[1].revents != 0) receive(err.read_end, result.err);
    if (ends[2].revents != 0) send(in.write_end, input);
  }
  int status = 0;
  waitpid(child, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

bool is_installed(const std::string &program) {
  std::istringstream folders(search_path());
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<std::string> words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

std::vector<std::string> lines(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> result;
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

}  // namespace connmark::test
