// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json/members.h"

#include "command/read_files/refused_input.h"
#include "command/refusal.h"

namespace connmark::nft_json {

const Json &member(const Json &object, const char *what, const char *name) {
  if (object.is_object()) {
    const auto found = object.find(name);
    if (found != object.end()) return *found;
  }
  throw Refusal("a " + std::string(what) + " without " + in_quotes(name) + ", give what " +
                in_quotes(kProgram) + " prints");
}

const std::string &text_member(const Json &object, const char *what, const char *name) {
  const Json &value = member(object, what, name);
  if (value.is_string()) return value.get_ref<const std::string &>();
  throw Refusal("a " + std::string(what) + " whose " + in_quotes(name) + " is not a text");
}

const std::vector<Json> &list_of(const Json &value, const char *what) {
  if (value.is_array()) return value.get_ref<const std::vector<Json> &>();
  throw Refusal(std::string(what) + " is not a list, give what " + in_quotes(kProgram) + " prints");
}

std::string_view only_key(const Json &json) {
  if (!json.is_object() || json.size() != 1) return {};
  return json.get_ref<const Json::object_t &>().begin()->first;
}

std::string_view member_text(const Json &object, const char *name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string &>();
}

}  // namespace connmark::nft_json
