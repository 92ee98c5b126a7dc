// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sstream>
#include <string>

#include "command/refusal.h"
#include "command/rule_set/ruleset.h"

namespace connmark::test {

// A reader of the audit, which is given a text instead of a file of this name.
struct TextReader {
  void (*read_stream)(std::istream &in, const std::string &name, Ruleset &ruleset);
  const char *name;

  void add(const std::string &text, Ruleset &ruleset) const {
    std::istringstream in(text);
    read_stream(in, name, ruleset);
  }

  Ruleset read(const std::string &text) const {
    Ruleset ruleset;
    add(text, ruleset);
    return ruleset;
  }

  // Why the text is refused, or "accepted".
  std::string refusal(const std::string &text) const {
    try {
      read(text);
    } catch (const Refusal &refused) {
      return refused.what();
    }
    return "accepted";
  }
};

}  // namespace connmark::test
