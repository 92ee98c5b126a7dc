// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "command/output/number_text.h"
#include "connmark/operation.h"

namespace connmark {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kLeftOut = "...";
constexpr std::size_t kMostElements = 8;

// Operators from the loosest to the tightest.
constexpr std::array<std::string_view, 5> kOperators = {"|", "^", "&", "<<", ">>"};

int precedence(std::string_view name) {
  const auto *const found = std::ranges::find(kOperators, name);
  return found == kOperators.end() ? -1 : std::min(static_cast<int>(found - kOperators.begin()), 3);
}

// Of an object with one member: its name; else empty.
std::string only_key(const Json &json) {
  return json.is_object() && json.size() == 1 ? json.begin().key() : "";
}

std::string member_text(const Json &object, const char *name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Whether numbers next to `expression` are marks.
std::string expression_text(const Json &json, bool is_mark, int outer = -1);

std::string joined(const Json &list, std::string_view separator, bool is_mark) {
  std::string text;
  std::size_t count = 0;
  for (const Json &each : list) {
    if (count != 0) text += separator;
    if (count++ == kMostElements) return text + std::string(kLeftOut);
    text += expression_text(each, is_mark);
  }
  return text;
}

std::string verdict_text(const std::string &name, const Json &value) {
  if (name == "jump" || name == "goto") return name + " " + member_text(value, "target");
  return name;
}

// Of a map: [key, value].
std::string pair_text(const Json &pair, bool key_is_mark, bool value_is_mark) {
  if (!pair.is_array() || pair.size() != 2) return std::string(kLeftOut);
  const std::string verdict = only_key(pair[1]);
  constexpr std::array<std::string_view, 6> kVerdicts = {"accept", "drop", "continue",
                                                         "return", "jump", "goto"};
  const bool is_verdict = std::ranges::find(kVerdicts, verdict) != kVerdicts.end();
  return expression_text(pair[0], key_is_mark) + " : " +
         (is_verdict ? verdict_text(verdict, pair[1][verdict])
                     : expression_text(pair[1], value_is_mark));
}

std::string map_text(const Json &map, const char *word, bool value_is_mark) {
  if (!map.is_object() || !map.contains("key") || !map.contains("data")) {
    return std::string(word) + " " + std::string(kLeftOut);
  }
  const bool key_is_mark = has_mark(map["key"]);
  std::string text = expression_text(map["key"], false) + " " + word + " ";
  const Json &data = map["data"];
  if (only_key(data) != "set" || !data["set"].is_array())
    return text + expression_text(data, false);
  std::string elements;
  std::size_t count = 0;
  for (const Json &each : data["set"]) {
    if (count != 0) elements += ", ";
    if (count++ == kMostElements) {
      elements += kLeftOut;
      break;
    }
    elements += pair_text(each, key_is_mark, value_is_mark);
  }
  return text + "{ " + elements + " }";
}

std::string operation_text(const std::string &name, const Json &operands, bool is_mark, int outer) {
  const int own = precedence(name);
  const bool is_shift = name == "<<" || name == ">>";
  std::string text;
  for (const Json &each : operands) {
    const bool is_first = text.empty();
    if (!is_first) text += " " + name + " ";
    // Operators of one rank are read from left to right; what is shifted by is a count.
    text += expression_text(each, is_mark && (is_first || !is_shift), is_first ? own : own + 1);
  }
  return own < outer ? "(" + text + ")" : text;
}

std::string meta_text(const Json &value) {
  const std::string key = member_text(value, "key");
  constexpr std::array<std::string_view, 8> kAlone = {"iif",     "oif",     "iifname",  "oifname",
                                                      "iiftype", "oiftype", "iifgroup", "oifgroup"};
  return std::ranges::find(kAlone, key) != kAlone.end() ? key : "meta " + key;
}

std::string payload_text(const Json &value) {
  const std::string protocol = member_text(value, "protocol");
  return protocol.empty() ? std::string(kLeftOut) : protocol + " " + member_text(value, "field");
}

std::string number_text(const Json &json, bool is_mark) {
  if (is_mark && json.is_number_unsigned() && json.get<std::uint64_t>() <= kAllBits) {
    return hex(json.get<std::uint32_t>());
  }
  return json.is_number_unsigned() ? std::to_string(json.get<std::uint64_t>())
                                   : std::to_string(json.get<std::int64_t>());
}

std::string prefix_text(const Json &value, bool is_mark) {
  if (!value.contains("addr") || !value.contains("len")) return std::string(kLeftOut);
  return expression_text(value["addr"], is_mark) + "/" + expression_text(value["len"], false);
}

std::string object_text(const Json &json, bool is_mark, int outer) {
  const std::string name = only_key(json);
  if (name.empty()) return std::string(kLeftOut);
  const Json &value = json[name];
  if (precedence(name) >= 0 && value.is_array()) {
    return operation_text(name, value, is_mark || has_mark(json), outer);
  }
  if (name == "meta") return meta_text(value);
  if (name == "ct") {
    const std::string direction = member_text(value, "dir");
    return "ct " + (direction.empty() ? "" : direction + " ") + member_text(value, "key");
  }
  if (name == "payload") return payload_text(value);
  if (name == "socket" || name == "rt") return name + " " + member_text(value, "key");
  if (name == "prefix" && value.is_object()) return prefix_text(value, is_mark);
  if (name == "range" && value.is_array()) return joined(value, "-", is_mark);
  if (name == "concat" && value.is_array()) return joined(value, " . ", is_mark);
  if (name == "set" && value.is_array()) return "{ " + joined(value, ", ", is_mark) + " }";
  if (name == "set") return expression_text(value, is_mark);
  if (name == "elem" && value.is_object() && value.contains("val")) {
    return expression_text(value["val"], is_mark);
  }
  if (name == "map") return map_text(value, "map", is_mark);
  return name + " " + std::string(kLeftOut);
}

std::string expression_text(const Json &json, bool is_mark, int outer) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_integer()) return number_text(json, is_mark);
  if (json.is_array()) return joined(json, ",", is_mark);
  if (json.is_object()) return object_text(json, is_mark, outer);
  return std::string(kLeftOut);
}

std::string match_text(const Json &match) {
  const std::string op = member_text(match, "op");
  if (op.empty() || !match.contains("left") || !match.contains("right")) {
    return std::string(kLeftOut);
  }
  const Json &left = match["left"];
  const bool is_mark = has_mark(left);
  // Behind an operator the comparison is written out.
  const bool is_implied = (op == "==" && precedence(only_key(left)) < 0) || op == "in";
  return expression_text(left, is_mark) + (is_implied ? " " : " " + op + " ") +
         expression_text(match["right"], is_mark);
}

std::string mangle_text(const Json &value) {
  if (!value.is_object() || !value.contains("key") || !value.contains("value")) {
    return std::string(kLeftOut);
  }
  const bool is_mark = mark_of(value["key"]).has_value();
  return expression_text(value["key"], is_mark) + " set " +
         expression_text(value["value"], is_mark);
}

std::string statement_text(const std::string &name, const Json &value) {
  if (name == "counter") return "";
  if (name == "match") return match_text(value);
  if (name == "mangle") return mangle_text(value);
  if (name == "vmap") return map_text(value, "vmap", false);
  if (name == "xt") {
    return "xt " + member_text(value, "type") + " \"" + member_text(value, "name") + "\"";
  }
  if (name == "set" && value.is_object() && value.contains("elem")) {
    return member_text(value, "op") + " " + member_text(value, "set") + " { " +
           expression_text(value["elem"], false) + " }";
  }
  if ((name == "dnat" || name == "snat") && value.is_object() && value.contains("addr")) {
    return name + " to " + expression_text(value["addr"], false);
  }
  if (name == "reject") return name;
  const std::string text = verdict_text(name, value);
  return value.is_null() || text != name ? text : name + " " + std::string(kLeftOut);
}

}  // namespace

std::optional<Mark> mark_of(const Json &expression) {
  const std::string name = only_key(expression);
  if (name != "meta" && name != "ct") return std::nullopt;
  if (member_text(expression[name], "key") != "mark") return std::nullopt;
  return name == "meta" ? Mark::kPacket : Mark::kConnection;
}

bool has_mark(const Json &json) {
  if (mark_of(json)) return true;
  return json.is_structured() && std::ranges::any_of(json, has_mark);
}

std::string nft_text(const Json &statement) {
  if (statement.is_string()) return statement.get<std::string>();
  const std::string name = only_key(statement);
  return name.empty() ? std::string(kLeftOut) : statement_text(name, statement[name]);
}

}  // namespace connmark
