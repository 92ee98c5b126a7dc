// SPDX-License-Identifier: GPL-2.0-or-later
//
// libxtables for a program that goes on: the library is made for programs that
// end at the first fault, prints to stdout and stderr, and reports through a
// function that must not return.
#pragma once

#include <xtables.h>

#include <cstdio>
#include <string>

namespace connmark {

class XtablesLibrary {
 public:
  // The library has one state for the whole process.
  static XtablesLibrary &instance();
  XtablesLibrary(const XtablesLibrary &) = delete;
  XtablesLibrary &operator=(const XtablesLibrary &) = delete;

  bool usable() const { return usable_; }

  // Runs `body` on `data`; false if the library has left it by its error function,
  // which jumps: nothing with a destructor may live in `body`.  What `body` prints
  // to stdout is text() until the next call, what it prints to stderr is lost.
  bool call(void (*body)(void *), void *data);
  std::string text() const { return {text_, size_}; }

 private:
  XtablesLibrary();
  ~XtablesLibrary();

  xtables_globals globals_ = {};
  bool usable_ = false;
  char *text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE *stream_ = nullptr;
  std::FILE *nowhere_ = nullptr;
};

}  // namespace connmark
