// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <optional>
#include <string>

namespace connmark {

// A release of nft, or of Linux.
struct Release {
  int major = 0;
  int minor = 0;
  int patch = 0;

  constexpr auto operator<=>(const Release &) const = default;
};

std::string to_string(const Release &release);

// "1.0.6" or "6.13" at the start of `text`, whatever follows it.
std::optional<Release> release_at_start(const std::string &text);

// The nft that run_program() finds, and the running kernel.
std::optional<Release> installed_nft();
std::optional<Release> running_linux();

}  // namespace connmark
