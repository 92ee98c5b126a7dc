// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace connmark {

// The version of everything that --json prints and of owners.json.  It grows
// when a field is removed, renamed or changes its meaning; new fields may come
// at any time.  The fields are described in man/connmark.8.in.
inline constexpr int kJsonSchemaVersion = 1;

// Members keep the order in which they were added.
using Json = nlohmann::ordered_json;

// What each document of a subcommand begins with.
inline Json json_document(std::string_view subcommand) {
  return {{"schema_version", kJsonSchemaVersion}, {"command", subcommand}};
}

}  // namespace connmark
