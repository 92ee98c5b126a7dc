// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/iproute/routing_names.h"

#include <linux/rtnetlink.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

namespace connmark {
namespace {

namespace fs = std::filesystem;

using Names = std::map<std::uint32_t, std::string>;

const fs::path kAdministrators = "/etc/iproute2";
const fs::path kDistributions[] = {"/usr/share/iproute2", "/usr/lib/iproute2"};

std::optional<std::uint32_t> number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A later line outdoes an earlier one.  At a line that is none iproute2 stops.
bool add_file(const fs::path &path, Names &names) {
  std::ifstream in(path);
  if (!in) return false;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string id;
    std::string name;
    if (!(words >> id) || id.starts_with('#')) continue;
    const auto value = number(id);
    if (!value || !(words >> name)) break;
    names[*value] = name;
  }
  return true;
}

std::set<fs::path> files_in(const fs::path &folder) {
  std::set<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end;
       each.increment(error)) {
    if (each->path().extension() == ".conf") files.insert(each->path());
  }
  return files;
}

Names read_names(const std::string &file, Names names) {
  if (!add_file(kAdministrators / file, names)) {
    for (const fs::path &folder : kDistributions) {
      if (add_file(folder / file, names)) break;
    }
  }
  const std::set<fs::path> own = files_in(kAdministrators / (file + ".d"));
  for (const fs::path &folder : kDistributions) {
    for (const fs::path &each : files_in(folder / (file + ".d"))) {
      if (!own.contains(kAdministrators / (file + ".d") / each.filename())) add_file(each, names);
    }
  }
  for (const fs::path &each : own) add_file(each, names);
  return names;
}

std::string name_or(const Names &names, std::uint32_t id, const char *format) {
  if (const auto found = names.find(id); found != names.end()) return found->second;
  char text[16];
  std::snprintf(text, sizeof text, format, id);
  return text;
}

}  // namespace

std::string table_name(std::uint32_t table) {
  static const Names names = read_names(
      "rt_tables",
      {{RT_TABLE_DEFAULT, "default"}, {RT_TABLE_MAIN, "main"}, {RT_TABLE_LOCAL, "local"}});
  return name_or(names, table, "%u");
}

std::string routing_protocol_name(std::uint32_t protocol) {
  // RTPROT_* of linux/rtnetlink.h, as iproute2 names them itself.
  static const Names names =
      read_names("rt_protos", {{0, "unspec"}, {1, "redirect"}, {2, "kernel"},      {3, "boot"},
                               {4, "static"}, {8, "gated"},    {9, "ra"},          {10, "mrt"},
                               {11, "zebra"}, {12, "bird"},    {13, "dnrouted"},   {14, "xorp"},
                               {15, "ntk"},   {16, "dhcp"},    {18, "keepalived"}, {42, "babel"},
                               {99, "openr"}, {186, "bgp"},    {187, "isis"},      {188, "ospf"},
                               {189, "rip"},  {192, "eigrp"}});
  return name_or(names, protocol, "%u");
}

std::string realm_name(std::uint32_t realm) {
  static const Names names = read_names("rt_realms", {{0, "unknown"}});
  return name_or(names, realm, "%u");
}

std::string interface_group_name(std::uint32_t group) {
  static const Names names = read_names("group", {});
  return name_or(names, group, "%u");
}

std::string service_field_name(std::uint32_t type_of_service) {
  static const Names names = read_names("rt_dsfield", {});
  return name_or(names, type_of_service, "0x%02x");
}

std::string ip_protocol_name(std::uint8_t protocol) {
  const protoent *const named = getprotobynumber(protocol);
  return named != nullptr ? named->p_name : "ipproto-" + std::to_string(protocol);
}

std::optional<std::uint32_t> table_number(std::string_view name) {
  if (name == "default") return RT_TABLE_DEFAULT;
  if (name == "main") return RT_TABLE_MAIN;
  if (name == "local") return RT_TABLE_LOCAL;
  return number(name);
}

}  // namespace connmark
