// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace connmark::test {

enum class Family { kIpv4, kIpv6 };

inline constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

// The program of a family and back end, as program(kIpv6, "legacy-save") is
// "ip6tables-legacy-save".
std::string program(Family family, const std::string &back_end_and_verb);

// Moves this process into new user and network namespaces (root without user
// namespaces: a network namespace), with the loopback interface up, and points
// iptables at the plugin under test (XTABLES_LIBDIR) and at a lock file of its
// own (XTABLES_LOCKFILE).  Nothing that the process or its children do to
// netfilter can be seen outside.  May be called again for a fresh, empty
// network.  Returns why it cannot be done, or nothing:
//
//   if (const std::string why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
//
// The process must have one thread.
[[nodiscard]] std::string enter_private_network();

// What connection tracking makes of a packet; only a tracked one has a
// connection.
enum class Tracking { kTracked, kUntracked, kInvalid };

// Sends one UDP datagram to port 9 over the loopback interface.  It walks OUTPUT,
// POSTROUTING, PREROUTING and INPUT and belongs to a connection; a new source
// port makes it a new connection each time.  An untracked one is the same: a
// rule has to exempt it.  The header of an invalid one says that it is longer
// than it is.
void send_packet(Family family, Tracking tracking = Tracking::kTracked);

// The folder of the plugin under test, and the search path that finds it before
// the plugins of the installed iptables.
std::string plugin_folder();
std::string plugin_search_path();
std::string stock_plugin_folder();

}  // namespace connmark::test
