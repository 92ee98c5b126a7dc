// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <istream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace connmark {

// Where a list of objects is in a JSON document.
struct JsonList {
  std::string_view member;   // of the outermost object; empty where the list itself is outermost
  std::string_view program;  // what prints such a document, for messages
  // In an object of this name the member "elem" is left out: it may be long.
  std::string_view without_elements;
};

// Called with each object of the list.  A Refusal that it throws gets the place
// in the file.
using TakeJsonElement = std::function<void(const nlohmann::json &element)>;

// Reads the document without keeping more of it than one object of the list.
// Anything but such a list is a Refusal with the line and column.
void read_json_elements(std::istream &in, const std::string &name, const JsonList &list,
                        const TakeJsonElement &take);

}  // namespace connmark
