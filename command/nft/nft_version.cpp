// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/nft/nft_version.h"

#include <sys/utsname.h>

#include <cstdio>
#include <sstream>

#include "command/other_program.h"

namespace connmark {

std::string to_string(const Release &release) {
  std::ostringstream text;
  text << release.major << '.' << release.minor;
  if (release.patch != 0) text << '.' << release.patch;
  return text.str();
}

std::optional<Release> release_at_start(const std::string &text) {
  Release release;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  if (std::sscanf(text.c_str(), "%9d.%9d.%9d", &release.major, &release.minor, &release.patch) <
      2) {
    return std::nullopt;
  }
  return release;
}

std::optional<Release> installed_nft() {
  constexpr std::string_view kBeforeVersion = "nftables v";
  const auto answer = run_program({"nft", "--version"}, "");
  if (!answer || !answer->output.starts_with(kBeforeVersion)) return std::nullopt;
  return release_at_start(answer->output.substr(kBeforeVersion.size()));
}

std::optional<Release> running_linux() {
  utsname name{};
  if (uname(&name) != 0) return std::nullopt;
  return release_at_start(name.release);
}

}  // namespace connmark
