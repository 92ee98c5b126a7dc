// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
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

// The document, for standard output: in ASCII, so that a terminal shows it as it
// is, and with U+FFFD for each byte of a name or a text that is no UTF-8.
// `indent` is that of a level, -1 for one line.
inline std::string json_text(const Json &json, int indent = 2) {
  return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

}  // namespace connmark
