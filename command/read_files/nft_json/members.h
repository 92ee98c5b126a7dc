// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of a JSON object; what is not there is refused with words for it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace connmark::nft_json {

using Json = nlohmann::json;

inline constexpr std::string_view kProgram = "nft -j list ruleset";

// `what` names the object in the refusal.
const Json &member(const Json &object, const char *what, const char *name);
const std::string &text_member(const Json &object, const char *what, const char *name);
const std::vector<Json> &list_of(const Json &value, const char *what);

// The name of the only member of an object that has one; else empty.
std::string_view only_key(const Json &json);

// A text in an object; else empty.
std::string_view member_text(const Json &object, const char *name);

}  // namespace connmark::nft_json
