// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/front_end.h"

#include <ostream>

#include "support/command.h"

namespace connmark::test {

std::string enter_network_for(const FrontEnd &front_end) {
  if (CONNMARK_PLUGIN_HAS_SANITIZERS) return "iptables cannot load a plugin with sanitizers";
  const std::string iptables = program(front_end.family, front_end.back_end);
  if (!is_installed(iptables)) return iptables + " is not installed";
  if (std::string why = enter_private_network(); !why.empty()) return why;
  const CommandResult probe =
      run({iptables, "-t", "mangle", "-A", "OUTPUT", "-j", "CONNMARK", "--set-mark", "1"}, {},
          {"XTABLES_LIBDIR=" + stock_plugin_folder()});
  if (probe.status != 0) return iptables + " does not work here: " + probe.err;
  return enter_private_network();
}

std::string name_of_front_end(const testing::TestParamInfo<FrontEnd> &info) {
  return std::string(info.param.back_end) +
         (info.param.family == Family::kIpv4 ? "_ipv4" : "_ipv6");
}

std::string name_of_family(const testing::TestParamInfo<Family> &info) {
  return info.param == Family::kIpv4 ? "ipv4" : "ipv6";
}

void PrintTo(const FrontEnd &front_end, std::ostream *out) {
  *out << program(front_end.family, front_end.back_end);
}

void PrintTo(Family family, std::ostream *out) {
  *out << (family == Family::kIpv4 ? "IPv4" : "IPv6");
}

}  // namespace connmark::test
