// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "connmark/operation.h"

namespace connmark::test {

// Draws rules from a printed seed, so that a failure can be repeated.
class RandomRules {
 public:
  explicit RandomRules(std::uint64_t seed) : engine_(seed) {}

  // 0 to below - 1.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  // A mark or mask: any 32 bits, a single bit, a run of bits, all or none.
  std::uint32_t mark();

  // A canonical operation that every kernel with revision 2 takes.
  Operation operation();

 private:
  std::mt19937_64 engine_;
};

// The seed: CONNMARK_SEED from the environment, else a fixed one, so that a
// plain run does not depend on chance.
std::uint64_t random_seed();

// The options that make `op`, written without save_text, so that it can be tested.
std::string options_for(const Operation &op);

}  // namespace connmark::test
