// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdexcept>

namespace connmark {

// Wrong use or unreadable input.  The text names the option, quotes the value
// and says what is accepted; main() prints it and ends with kRefused.
class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace connmark
