// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/private_network.h"

namespace connmark::test {

// iptables or ip6tables, with the back end "legacy" or "nft".
struct FrontEnd {
  Family family;
  const char *back_end;

  // As program("save") is "ip6tables-legacy-save".
  std::string program(const std::string &verb) const {
    return test::program(family, std::string(back_end) + "-" + verb);
  }
};

inline constexpr FrontEnd kFrontEnds[] = {{Family::kIpv4, "legacy"},
                                          {Family::kIpv6, "legacy"},
                                          {Family::kIpv4, "nft"},
                                          {Family::kIpv6, "nft"}};

// Enters a private network in which rules of this front end can be tried, or
// returns why there is none.
[[nodiscard]] std::string enter_network_for(const FrontEnd &front_end);

// For INSTANTIATE_TEST_SUITE_P, and what GoogleTest prints.
std::string name_of_front_end(const testing::TestParamInfo<FrontEnd> &info);
std::string name_of_family(const testing::TestParamInfo<Family> &info);
void PrintTo(const FrontEnd &front_end, std::ostream *out);
void PrintTo(Family family, std::ostream *out);

}  // namespace connmark::test
