// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which rules and marks to try, and what must come out.
#pragma once

#include <string>
#include <vector>

#include "connmark/operation.h"
#include "support/random_rules.h"

namespace connmark::test {

// One rule, the marks that its packet and connection have before it, and those
// that they must have after it.
struct MarkCase {
  Operation op;
  Marks before;
  Marks after;
};

// What the kernel's own formulas say, computed bit by bit, so that it has
// nothing in common with connmark::apply.
Marks kernel_effect(const Operation &op, Marks marks);

// The case as connmark::apply predicts it.
MarkCase predicted(const Operation &op, Marks before);

// 66 pairs of marks that decide a rule for all 2^64.
//
// Every operation is an affine map over bits: each resulting bit is the XOR of
// at most one bit of ctmark, one bit of nfmark and a constant.  An affine map of
// 64 bits is settled by its values at zero and at the 64 unit vectors.  A
// statement of nft may also join two marks by `or`, which is not affine; the
// pair of all ones is added for it, so that a bit which depends on two bits
// has been seen with all four of their values.
std::vector<Marks> settling_marks();

std::vector<Operation> random_operations(RandomRules &random, std::size_t count);

// One case with random marks for each operation, and the settling marks for
// each of the first `settled` ones.
std::vector<MarkCase> mark_cases(RandomRules &random, const std::vector<Operation> &ops,
                                 std::size_t settled);

// The same cases for a packet without a connection, for which CONNMARK does
// nothing.  Their marks of a connection are nobody's.
std::vector<MarkCase> without_connection(std::vector<MarkCase> cases);

// Restores that copy nothing, of which each reads the packet's mark alone.
std::vector<Operation> empty_restores();

// The case, its prediction with one bit inverted, for each of the 64 bits.
std::vector<MarkCase> wrong_predictions(const MarkCase &right);

std::string to_string(Marks marks);

}  // namespace connmark::test
