// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/sysctl_reader.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "command/read_files/refused_input.h"
#include "command/read_files/text_lines.h"
#include "command/refusal.h"

namespace connmark {
namespace {

constexpr std::string_view kBeginning = "net.ipv4.conf.";

class SysctlReader {
 public:
  SysctlReader(std::istream &in, const std::string &name) : name_(name), lines_(in, name) {}

  std::vector<ReversePathFilter> read() {
    for (std::string_view line; lines_.next(line);) read_line(line);
    if (found_.empty()) {
      throw Refusal(name_ +
                    ": no net.ipv4.conf.*.rp_filter or src_valid_mark, give what sysctl -a prints");
    }
    return std::move(found_);
  }

 private:
  void read_line(std::string_view line) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#' || line.front() == ';') return;
    // sysctl's own complaints, where it may not read something.
    if (line.starts_with("sysctl: ")) return;
    const std::size_t equals = line.find('=');
    if (equals == line.npos) refuse(line, "is no NAME = VALUE");
    std::string_view key = line.substr(0, equals);
    while (key.ends_with(' ')) key.remove_suffix(1);
    if (key.empty() || key.find('.') == key.npos || key.find_first_of(" \t<>{}") != key.npos) {
      refuse(line, "is no NAME = VALUE");
    }
    std::string_view value = line.substr(equals + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (!key.starts_with(kBeginning)) return;
    key.remove_prefix(kBeginning.size());
    const std::size_t dot = key.rfind('.');
    if (dot == key.npos) return;
    const std::string_view setting = key.substr(dot + 1);
    if (setting == "rp_filter") {
      of(key.substr(0, dot)).rp_filter = number(line, value, 2);
    } else if (setting == "src_valid_mark") {
      of(key.substr(0, dot)).src_valid_mark = number(line, value, 1) != 0;
    }
  }

  int number(std::string_view line, std::string_view value, int most) const {
    if (value.size() != 1 || value[0] < '0' || value[0] > '0' + most) {
      refuse(line, "has no value of 0 to " + std::to_string(most));
    }
    return value[0] - '0';
  }

  // sysctl writes a dot in a name as a slash, and would the other way round.
  ReversePathFilter &of(std::string_view written) {
    std::string interface(written);
    std::ranges::replace(interface, '/', '.');
    const auto [place, is_new] = places_.try_emplace(std::move(interface), found_.size());
    if (is_new) found_.push_back({.interface = place->first});
    return found_[place->second];
  }

  [[noreturn]] void refuse(std::string_view line, const std::string &why) const {
    lines_.refuse(in_quotes(line) + " " + why);
  }

  const std::string &name_;
  TextLines lines_;
  std::vector<ReversePathFilter> found_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace

void read_sysctls(std::istream &in, const std::string &name, Ruleset &ruleset) {
  std::vector<ReversePathFilter> found = SysctlReader(in, name).read();
  std::erase_if(found, [](const ReversePathFilter &each) { return each.interface == "default"; });
  ruleset.inputs.push_back({.name = name, .is_sysctls = true, .rules = found.size()});
  ruleset.reverse_path_filters = std::move(found);
}

}  // namespace connmark
