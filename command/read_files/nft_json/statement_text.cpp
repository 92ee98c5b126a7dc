// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/nft_json/statement_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "command/output/number_text.h"
#include "connmark/operation.h"

namespace connmark::nft_json {
namespace {

constexpr std::string_view kLeftOut = "...";
constexpr std::size_t kMostElements = 8;

// Operators from the loosest to the tightest.
constexpr std::array<std::string_view, 5> kOperators = {"|", "^", "&", "<<", ">>"};

int precedence(std::string_view name) {
  const auto *const found = std::ranges::find(kOperators, name);
  return found == kOperators.end() ? -1 : std::min(static_cast<int>(found - kOperators.begin()), 3);
}

// Writes expressions and statements.
class Writer {
 public:
  // `whole`: nothing is left out, however long it becomes.
  explicit Writer(bool whole) : whole_(whole) {}

  // `is_mark`: numbers are marks.
  std::string expression(const Json &json, bool is_mark, int outer = -1) const;
  // `op` stands between the left and the right side, unless it is empty.
  std::string match(const Json &match, std::string_view op) const;
  std::string map(const Json &map, const char *word, bool value_is_mark) const;
  std::string statement(std::string_view name, const Json &value) const;

 private:
  std::string list(const Json &list, std::string_view separator, bool is_mark) const;
  std::string pair(const Json &pair, bool key_is_mark, bool value_is_mark) const;
  std::string operation(std::string_view name, const Json &operands, bool is_mark, int outer) const;
  std::string prefix(const Json &value, bool is_mark) const;
  std::string object(const Json &json, bool is_mark, int outer) const;
  std::string mangle(const Json &value) const;
  std::string rest(const Json &json) const {
    return whole_ ? json.dump(-1, ' ', true) : std::string(kLeftOut);
  }
  bool is_too_many(std::size_t count) const { return !whole_ && count == kMostElements; }

  bool whole_;
};

std::string Writer::list(const Json &list, std::string_view separator, bool is_mark) const {
  std::string text;
  std::size_t count = 0;
  for (const Json &each : list) {
    if (count != 0) text += separator;
    if (is_too_many(count++)) return text + std::string(kLeftOut);
    text += expression(each, is_mark);
  }
  return text;
}

std::string verdict_text(std::string_view name, const Json &value) {
  std::string text(name);
  if (name == "jump" || name == "goto") text.append(" ").append(member_text(value, "target"));
  return text;
}

// Of a map: [key, value].
std::string Writer::pair(const Json &pair, bool key_is_mark, bool value_is_mark) const {
  if (!pair.is_array() || pair.size() != 2) return rest(pair);
  const std::string_view verdict = only_key(pair[1]);
  constexpr std::array<std::string_view, 6> kVerdicts = {"accept", "drop", "continue",
                                                         "return", "jump", "goto"};
  const bool is_verdict = std::ranges::find(kVerdicts, verdict) != kVerdicts.end();
  return expression(pair[0], key_is_mark) + " : " +
         (is_verdict ? verdict_text(verdict, pair[1].front()) : expression(pair[1], value_is_mark));
}

std::string Writer::map(const Json &map, const char *word, bool value_is_mark) const {
  if (!map.is_object() || !map.contains("key") || !map.contains("data")) {
    return std::string(word) + " " + rest(map);
  }
  const bool key_is_mark = has_mark(map["key"]);
  std::string text = expression(map["key"], false) + " " + word + " ";
  const Json &data = map["data"];
  if (only_key(data) != "set" || !data["set"].is_array()) return text + expression(data, false);
  text += "{ ";
  std::size_t count = 0;
  for (const Json &each : data["set"]) {
    if (count != 0) text += ", ";
    if (is_too_many(count++)) {
      text += kLeftOut;
      break;
    }
    text += pair(each, key_is_mark, value_is_mark);
  }
  return text + " }";
}

std::string Writer::operation(std::string_view name, const Json &operands, bool is_mark,
                              int outer) const {
  const int own = precedence(name);
  const bool is_shift = name == "<<" || name == ">>";
  std::string text;
  for (const Json &each : operands) {
    const bool is_first = text.empty();
    if (!is_first) text.append(" ").append(name).append(" ");
    // Operators of one rank are read from left to right; what is shifted by is a count.
    text += expression(each, is_mark && (is_first || !is_shift), is_first ? own : own + 1);
  }
  return own < outer ? "(" + text + ")" : text;
}

std::string meta_text(const Json &value) {
  const std::string key(member_text(value, "key"));
  constexpr std::array<std::string_view, 8> kAlone = {"iif",     "oif",     "iifname",  "oifname",
                                                      "iiftype", "oiftype", "iifgroup", "oifgroup"};
  return std::ranges::find(kAlone, key) != kAlone.end() ? key : "meta " + key;
}

std::string ct_text(const Json &value) {
  std::string text = "ct ";
  if (const std::string_view direction = member_text(value, "dir"); !direction.empty()) {
    text.append(direction).append(" ");
  }
  return text.append(member_text(value, "key"));
}

std::string number_text(const Json &json, bool is_mark) {
  if (is_mark && json.is_number_unsigned() && json.get<std::uint64_t>() <= kAllBits) {
    return hex(json.get<std::uint32_t>());
  }
  return json.is_number_unsigned() ? std::to_string(json.get<std::uint64_t>())
                                   : std::to_string(json.get<std::int64_t>());
}

std::string Writer::prefix(const Json &value, bool is_mark) const {
  if (!value.contains("addr") || !value.contains("len")) return rest(value);
  return expression(value["addr"], is_mark) + "/" + expression(value["len"], false);
}

std::string Writer::object(const Json &json, bool is_mark, int outer) const {
  const std::string_view name = only_key(json);
  if (name.empty()) return rest(json);
  const Json &value = json.front();
  if (precedence(name) >= 0 && value.is_array()) {
    return operation(name, value, is_mark || has_mark(json), outer);
  }
  if (name == "meta") return meta_text(value);
  if (name == "ct") return ct_text(value);
  if (name == "payload") {
    const std::string_view protocol = member_text(value, "protocol");
    if (protocol.empty()) return rest(value);
    return std::string(protocol).append(" ").append(member_text(value, "field"));
  }
  if (name == "socket" || name == "rt") {
    return std::string(name).append(" ").append(member_text(value, "key"));
  }
  if (name == "prefix" && value.is_object()) return prefix(value, is_mark);
  if (name == "range" && value.is_array()) return list(value, "-", is_mark);
  if (name == "concat" && value.is_array()) return list(value, " . ", is_mark);
  if (name == "set" && value.is_array()) return "{ " + list(value, ", ", is_mark) + " }";
  if (name == "set") return expression(value, is_mark);
  if (name == "elem" && value.is_object() && value.contains("val")) {
    return expression(value["val"], is_mark);
  }
  if (name == "map") return map(value, "map", is_mark);
  return std::string(name) + " " + rest(value);
}

std::string Writer::expression(const Json &json, bool is_mark, int outer) const {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_integer()) return number_text(json, is_mark);
  if (json.is_array()) return list(json, ",", is_mark);
  if (json.is_object()) return object(json, is_mark, outer);
  return rest(json);
}

std::string Writer::match(const Json &match, std::string_view op) const {
  const bool is_mark = has_mark(match["left"]);
  std::string text = expression(match["left"], is_mark);
  if (!op.empty()) text.append(" ").append(op);
  return text.append(" ").append(expression(match["right"], is_mark));
}

std::string Writer::mangle(const Json &value) const {
  if (!value.is_object() || !value.contains("key") || !value.contains("value")) {
    return std::string(kLeftOut);
  }
  const bool is_mark = mark_of(value["key"]).has_value();
  return expression(value["key"], is_mark) + " set " + expression(value["value"], is_mark);
}

bool is_match(const Json &match) {
  return !member_text(match, "op").empty() && match.contains("left") && match.contains("right");
}

std::string match_text(const Json &match) {
  if (!is_match(match)) return std::string(kLeftOut);
  const std::string_view op = member_text(match, "op");
  // Behind an operator the comparison is written out.
  const bool is_implied = (op == "==" && precedence(only_key(match["left"])) < 0) || op == "in";
  return Writer(false).match(match, is_implied ? "" : op);
}

std::string Writer::statement(std::string_view name, const Json &value) const {
  if (name == "counter" && !has_mark(value)) return "";
  if (name == "match") return match_text(value);
  if (name == "mangle") return mangle(value);
  if (name == "vmap") return map(value, "vmap", false);
  if (name == "xt") {
    return "xt " + std::string(member_text(value, "type")) + " \"" +
           std::string(member_text(value, "name")) + "\"";
  }
  if (name == "set" && value.is_object() && value.contains("elem")) {
    return std::string(member_text(value, "op")) + " " + std::string(member_text(value, "set")) +
           " { " + expression(value["elem"], false) + " }";
  }
  if ((name == "dnat" || name == "snat") && value.is_object() && value.contains("addr")) {
    return std::string(name) + " to " + expression(value["addr"], false);
  }
  if (name == "counter" && value.is_object() && value.contains("map")) {
    return "counter name " + map(value["map"], "map", false);
  }
  if (name == "reject") return std::string(name);
  std::string text = verdict_text(name, value);
  return value.is_null() || text != name ? text : text + " " + rest(value);
}

}  // namespace

std::optional<Mark> mark_of(const Json &expression) {
  const std::string_view name = only_key(expression);
  if (name != "meta" && name != "ct") return std::nullopt;
  if (member_text(expression.front(), "key") != "mark") return std::nullopt;
  return name == "meta" ? Mark::kPacket : Mark::kConnection;
}

bool looks_up_by_mark(const Json &expression) {
  if (only_key(expression) != "fib" || !expression.front().is_object()) return false;
  const auto flags = expression.front().find("flags");
  if (flags == expression.front().end()) return false;
  if (!flags->is_array()) return *flags == "mark";
  return std::ranges::find(*flags, Json("mark")) != flags->end();
}

bool has_mark(const Json &json) {
  if (mark_of(json) || looks_up_by_mark(json)) return true;
  return json.is_structured() && std::ranges::any_of(json, has_mark);
}

std::string nft_text(const Json &statement) {
  if (statement.is_string()) return statement.get<std::string>();
  const std::string_view name = only_key(statement);
  return name.empty() ? std::string(kLeftOut) : Writer(false).statement(name, statement.front());
}

std::string whole_text(const Json &expression) {
  return Writer(true).expression(expression, false);
}

std::string whole_map(const Json &map, const char *word) {
  return Writer(true).map(map, word, false);
}

std::string whole_match(const Json &match) {
  const std::string_view op = member_text(match, "op");
  const bool is_equal = op == "==" || op == "!=";
  return Writer(true).match(match, is_equal ? "" : op);
}

std::string whole_statement(std::string_view name, const Json &value) {
  return Writer(true).statement(name, value);
}

}  // namespace connmark::nft_json
