// SPDX-License-Identifier: GPL-2.0-or-later
//
// watch_name FILE COMMAND...
//
// Runs COMMAND and prints a line each time that FILE's name was without a file meanwhile, however
// shortly: the kernel tells of every removal, where a look now and then would miss most. A rename
// over the name is none. Exits with the command's status.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

[[noreturn]] void die(const char *what) {
  std::perror(what);
  std::exit(125);
}

int run(char **command) {
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    execvp(command[0], command);
    die(command[0]);
  }
  int status = 0;
  if (waitpid(child, &status, 0) < 0) die("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void print_removals(int events, const std::string &name) {
  alignas(inotify_event) char buffer[65536];
  ssize_t size = 0;
  while ((size = read(events, buffer, sizeof buffer)) > 0) {
    for (const char *p = buffer; p < buffer + size;) {
      inotify_event event{};
      std::memcpy(&event, p, sizeof event);
      const char *of = p + sizeof event;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        std::puts("the kernel has dropped events");
      } else if (event.len > 0 && name == of) {
        std::puts((event.mask & IN_DELETE) != 0 ? "deleted" : "renamed away");
      }
      p = of + event.len;
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fputs("usage: watch_name FILE COMMAND...\n", stderr);
    return 2;
  }
  const std::string file = argv[1];
  const std::size_t slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  const int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (events < 0 || inotify_add_watch(events, folder.c_str(), IN_DELETE | IN_MOVED_FROM) < 0) {
    die(folder.c_str());
  }
  const int status = run(argv + 2);
  print_removals(events, file.substr(slash + 1));
  return status;
}
