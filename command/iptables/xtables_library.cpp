// SPDX-License-Identifier: GPL-2.0-or-later
//
// stdout and stderr are a stream in memory while the library runs, and its error
// function jumps over the plugin, which has no unwind tables for an exception.
#include "command/iptables/xtables_library.h"

#include <getopt.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include "command/refusal.h"

namespace connmark {
namespace {

std::jmp_buf *way_out = nullptr;

// The attribute, unlike [[noreturn]], is of the function's type for Clang.
extern "C" __attribute__((noreturn)) void leave_plugin(xtables_exittype, const char *, ...) {
  // libxtables calls it from within call() only.
  if (way_out == nullptr) std::abort();
  std::longjmp(*way_out, 1);
}

// To ask the kernel for its revisions would load modules.
extern "C" int every_revision(const char *, std::uint8_t, int) { return 1; }

option no_options[] = {{nullptr, 0, nullptr, 0}};

}  // namespace

XtablesLibrary &XtablesLibrary::instance() {
  static XtablesLibrary the_only_one;
  return the_only_one;
}

XtablesLibrary::XtablesLibrary()
    : stream_(open_memstream(&text_, &size_)), nowhere_(std::fopen("/dev/null", "we")) {
  if (stream_ == nullptr) throw Refusal("libxtables: no memory");
  globals_.program_name = "iptables";
  globals_.program_version = "1";
  globals_.orig_opts = no_options;
  // Of memory that later releases free whenever they merge options.
  globals_.opts = nullptr;
  globals_.exit_err = leave_plugin;
  globals_.compat_rev = every_revision;
  usable_ = xtables_init_all(&globals_, NFPROTO_IPV4) == 0;
}

XtablesLibrary::~XtablesLibrary() {
  std::fclose(stream_);
  if (nowhere_ != nullptr) std::fclose(nowhere_);
  std::free(text_);
}

bool XtablesLibrary::call(void (*body)(void *), void *data) {
  std::rewind(stream_);
  std::FILE *const terminal = stdout;
  std::FILE *const errors = stderr;
  stdout = stream_;
  if (nowhere_ != nullptr) stderr = nowhere_;
  std::jmp_buf here;
  way_out = &here;
  const bool whole = setjmp(here) == 0 && (body(data), true);
  way_out = nullptr;
  stdout = terminal;
  stderr = errors;
  std::fflush(stream_);
  return whole;
}

}  // namespace connmark
