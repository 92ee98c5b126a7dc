// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/requests.h"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>

#include "differential/typed_options.h"
#include "support/random_rules.h"

namespace connmark::test {
namespace {

using Words = std::vector<std::string>;

// clang-format off
constexpr std::string_view kEdgeValues[] = {
    // Small, single bits, all bits, and the ends of a shift.
    "0", "1", "2", "0xff", "0x80000000", "0xffffffff", "4294967295", "31", "32", "33", "63", "64",
    // What a byte or a word would cut to something smaller.
    "255", "256", "287", "288", "4294967296", "4294967297", "0x100000000", "0x10000001f",
    "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "99999999999999999999999999", "0xffffffffffffffffff",
    // Other ways to write a number, good and bad.
    "0xFF", "0XfF", "0x0", "00", "017", "037", "040", "037777777777", "040000000000", "08", "09",
    "0x", "0X", "x", "1x", "0xg", "0x1g", "1.5", "1e3", "0b1", "ten", "1_0", "-1", "-0", "+0",
    "+1", "+0x1f", "++1", "+", "-", "", " ", "  ", " 1", "\t1", "\n1", "\v31", "1 ", "1\t", "1\n",
    " +1", " -1", "- 1", "+ 1", "\xef\xbc\x91", "1\x01",
    // Value and mask.
    "/", "1/", "/1", "1/1", "1/0", "0/0", "0/1", "0xf/0xff", "0xff/0xf", "0xffffffff/0xffffffff",
    "0x80000000/1", "1/2/3", "1//2", "1/ 2", "1 /2", " 1/ 2", "1/+2", "+1/2", "1/-1", "-1/1",
    "1/x", "x/1", "1/1x", "1/08", "08/1", "1/4294967295", "1/4294967296", "4294967296/1", "1/0x",
    "0x/1", "1/2/", "31/31", "32/1", "1\\2", "1,2", "1:2", "1|2",
    // Words that look like something else.
    "!", "--", "--mask", "--set-mark", "=1", "1=2",
};
// clang-format on

constexpr std::string_view kPairValues[] = {"0", "5", "0xf0"};

bool is_operation(const NamedOption &option) {
  return option.kind == Kind::kSet || option.kind == Kind::kCopy;
}

std::string_view plain_value(const NamedOption &option) {
  if (option.kind == Kind::kShift) return "3";
  return option.kind == Kind::kMask ? "0x5a" : "0x36";
}

std::vector<NamedOption> operations() {
  std::vector<NamedOption> found;
  std::ranges::copy_if(kNamedOptions, std::back_inserter(found), is_operation);
  return found;
}

void append(Words &line, const Words &words) {
  line.insert(line.end(), words.begin(), words.end());
}

Words typed(const NamedOption &option, std::string_view value) {
  if (!option.has_argument) return {std::string(option.name)};
  return {std::string(option.name), std::string(value)};
}

Words plain(const NamedOption &option) { return typed(option, plain_value(option)); }

class CommandLines {
 public:
  std::vector<Request> take() { return std::move(requests_); }

  void add(std::initializer_list<Words> parts) {
    Words line;
    for (const Words &part : parts) append(line, part);
    requests_.push_back({"options", std::move(line)});
  }

  // Behind each operation, before it, and alone.
  void add_around_operations(const Words &words) {
    add({words});
    for (const NamedOption &operation : operations()) {
      add({plain(operation), words});
      add({words, plain(operation)});
    }
  }

 private:
  std::vector<Request> requests_;
};

void add_subsets(CommandLines &lines) {
  constexpr unsigned kAll = 1U << std::size(kNamedOptions);
  for (unsigned subset = 0; subset < kAll; ++subset) {
    Words forwards;
    Words backwards;
    for (std::size_t i = 0; i < std::size(kNamedOptions); ++i) {
      const std::size_t last = std::size(kNamedOptions) - 1 - i;
      if (subset >> i & 1) append(forwards, plain(kNamedOptions[i]));
      if (subset >> last & 1) append(backwards, plain(kNamedOptions[last]));
    }
    lines.add({forwards});
    lines.add({backwards});
  }
}

void add_edge_values(CommandLines &lines) {
  for (const NamedOption &option : kNamedOptions) {
    for (const std::string_view value : kEdgeValues) {
      lines.add_around_operations({std::string(option.name), std::string(value)});
      lines.add_around_operations({std::string(option.name) + "=" + std::string(value)});
    }
  }
}

void add_pairs(CommandLines &lines) {
  for (const NamedOption &first : kNamedOptions) {
    for (const NamedOption &second : kNamedOptions) {
      for (const std::string_view one : kPairValues) {
        for (const std::string_view other : kPairValues) {
          lines.add({typed(first, one), typed(second, other)});
          if (is_operation(first)) continue;
          for (const NamedOption &operation : operations()) {
            lines.add({plain(operation), typed(first, one), typed(second, other)});
            lines.add({typed(first, one), plain(operation), typed(second, other)});
            lines.add({typed(first, one), typed(second, other), plain(operation)});
          }
        }
      }
    }
  }
}

// A plugin whose option has a longer name would take the shorter one, too.
void add_longer_names(CommandLines &lines) {
  for (const NamedOption &option : kNamedOptions) {
    for (const char letter : std::string_view("abcdefghijklmnopqrstuvwxyz-_1A")) {
      const Words words = plain(option);
      const std::string longer = words.front() + letter;
      if (option.has_argument) {
        lines.add_around_operations({longer, words.back()});
      } else {
        lines.add_around_operations({longer});
      }
    }
  }
}

void add_prefixes(CommandLines &lines) {
  const Words save{"--save-mark"};
  for (const NamedOption &option : kNamedOptions) {
    const std::string name(option.name);
    const std::string value(plain_value(option));
    for (std::size_t size = 0; size <= name.size(); ++size) {
      for (const std::string &prefix : {name.substr(0, size), name.substr(0, size) + "k"}) {
        for (const Words &words :
             {Words{prefix}, Words{prefix, value}, Words{prefix + "=" + value}, Words{prefix + "="},
              Words{prefix.empty() ? prefix : prefix.substr(1), value}}) {
          lines.add({words});
          lines.add({save, words});
          lines.add({words, save});
        }
      }
    }
  }
}

void add_inversions(CommandLines &lines) {
  const Words no{"!"};
  for (const NamedOption &option : kNamedOptions) {
    for (const Words &words : {plain(option), Words{std::string(option.name)}}) {
      for (const Words &sign : {no, Words{"!", "!"}, Words{"!="}, Words{"! "}}) {
        lines.add_around_operations({sign.front(), words.front()});
        for (const NamedOption &operation : operations()) {
          lines.add({plain(operation), sign, words});
          lines.add({sign, words, plain(operation)});
          lines.add({plain(operation), words, sign});
          lines.add({{words.front()}, sign, plain(operation)});
        }
      }
    }
  }
}

void add_repeats_and_strays(CommandLines &lines) {
  lines.add({});
  for (const NamedOption &option : kNamedOptions) {
    const Words name{std::string(option.name)};
    lines.add_around_operations(name);
    for (const std::string_view value : kPairValues) {
      const Words once = typed(option, value);
      const Words again = plain(option);
      lines.add({once, once, once});
      for (const NamedOption &other : kNamedOptions) {
        lines.add({once, plain(other), again});
        lines.add({once, again, plain(other)});
        lines.add({plain(other), once, again});
      }
    }
    for (const char *const stray : {"5", "", " ", "-", "--", "-s", "-j", "-x5", "--help", "---",
                                    "=", "CONNMARK", "--mask 5", "-\xff", "--\xff"}) {
      lines.add_around_operations({name.front(), stray});
      lines.add({plain(option), {stray}});
      lines.add({{stray}, plain(option)});
    }
  }
}

template <typename T>
const T &any_of(RandomRules &random, std::span<const T> choices) {
  return choices[random.below(static_cast<std::uint32_t>(choices.size()))];
}

std::string random_number(RandomRules &random, std::uint32_t value) {
  static constexpr const char *kFormats[] = {"%u", "0x%x", "0X%X", "0%o", "+%u", " 0x%08x"};
  char text[32];
  std::snprintf(text, sizeof text, any_of<const char *>(random, kFormats), value);
  return text;
}

std::string likely_value(RandomRules &random, const NamedOption &option) {
  if (option.kind == Kind::kShift) return random_number(random, random.below(34));
  const bool may_have_mask = option.name.starts_with("--set");
  std::string text = random_number(random, random.mark());
  if (may_have_mask && random.one_in(2)) text += "/" + random_number(random, random.mark());
  return text;
}

std::string random_value(RandomRules &random, const NamedOption &option) {
  if (random.one_in(12)) return std::string(any_of<std::string_view>(random, kEdgeValues));
  return likely_value(random, option);
}

void append_option(RandomRules &random, const NamedOption &option, Words &line) {
  std::string name(option.name);
  if (random.one_in(8)) name.resize(2 + random.below(static_cast<std::uint32_t>(name.size() - 1)));
  if (random.one_in(40)) line.push_back("!");
  if (!option.has_argument) {
    line.push_back(name);
  } else if (random.one_in(4)) {
    line.push_back(name + "=" + random_value(random, option));
  } else {
    line.push_back(name);
    if (!random.one_in(50)) line.push_back(random_value(random, option));
  }
}

// One operation, sometimes two or none, and up to three other options.
Words likely_line(RandomRules &random) {
  std::vector<NamedOption> chosen;
  const std::vector<NamedOption> all = operations();
  if (!random.one_in(30)) chosen.push_back(any_of<NamedOption>(random, all));
  if (random.one_in(20)) chosen.push_back(any_of<NamedOption>(random, all));
  for (std::uint32_t count = random.below(4); count > 0; --count) {
    const NamedOption &option = any_of<NamedOption>(random, kNamedOptions);
    if (!is_operation(option)) chosen.push_back(option);
  }
  for (std::size_t i = chosen.size(); i > 1; --i) {
    std::swap(chosen[i - 1], chosen[random.below(static_cast<std::uint32_t>(i))]);
  }
  Words line;
  for (const NamedOption &option : chosen) append_option(random, option, line);
  return line;
}

Words unlikely_line(RandomRules &random) {
  Words line;
  for (std::uint32_t count = random.below(7); count > 0; --count) {
    if (random.one_in(3)) {
      line.push_back(std::string(any_of<std::string_view>(random, kEdgeValues)));
    } else {
      append_option(random, any_of<NamedOption>(random, kNamedOptions), line);
    }
  }
  return line;
}

struct RuleBytes {
  std::uint32_t ctmark = 0;
  std::uint32_t ctmask = 0;
  std::uint32_t nfmask = 0;
  std::uint8_t tail[4] = {};  // revision 1: mode; revision 2: shift_dir, shift_bits, mode

  std::string hex() const {
    std::string text;
    const auto add = [&text](std::uint32_t byte) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", byte & 0xff);
      text += digits;
    };
    for (const std::uint32_t word : {ctmark, ctmask, nfmask}) {
      unsigned char bytes[sizeof word];
      std::copy_n(reinterpret_cast<const unsigned char *>(&word), sizeof word, bytes);
      for (const unsigned char byte : bytes) add(byte);
    }
    for (const std::uint8_t byte : tail) add(byte);
    return text;
  }
};

void add_rule(RuleBytes rule, std::vector<Request> &requests) {
  requests.push_back({"bytes", {rule.hex()}});
  if (rule.tail[0] <= 1) return;
  rule.tail[0] = 0;
  requests.push_back({"bytes", {rule.hex()}});
}

}  // namespace

std::vector<Request> systematic_command_lines() {
  CommandLines lines;
  add_subsets(lines);
  add_edge_values(lines);
  add_pairs(lines);
  add_longer_names(lines);
  add_prefixes(lines);
  add_inversions(lines);
  add_repeats_and_strays(lines);
  return lines.take();
}

std::vector<Request> random_command_lines(std::uint64_t seed, int count) {
  RandomRules random(seed);
  std::vector<Request> requests;
  requests.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    requests.push_back({"options", random.one_in(4) ? unlikely_line(random) : likely_line(random)});
  }
  return requests;
}

std::vector<Request> hostile_rules(std::uint64_t seed, int count) {
  std::vector<Request> requests;
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<std::uint8_t>(byte);
    add_rule({0x1234, 0xff00ff, 0xf0f0f0f0, {value, 0, 0, 0}}, requests);
    add_rule({0x1234, 0xff00ff, 0xf0f0f0f0, {1, value, 0, 0}}, requests);
    add_rule({0x1234, 0xff00ff, 0xf0f0f0f0, {0, 5, value, 0}}, requests);
    add_rule({0x1234, 0xff00ff, 0xf0f0f0f0, {2, 5, 1, value}}, requests);
    if (byte >= 2 && byte < 32) add_rule({1, 0xff, 0xff, {value, 3, 2, 0}}, requests);
  }
  RandomRules random(seed);
  for (int i = 0; i < count; ++i) {
    RuleBytes rule{random.mark(), random.mark(), random.mark()};
    const auto any = [&random] { return static_cast<std::uint8_t>(random.below(256)); };
    rule.tail[0] = random.one_in(8) ? any() : static_cast<std::uint8_t>(random.below(3));
    rule.tail[1] = random.one_in(4) ? any() : static_cast<std::uint8_t>(random.below(33));
    rule.tail[2] = random.one_in(16) ? any() : static_cast<std::uint8_t>(random.below(3));
    rule.tail[3] = random.one_in(2) ? any() : std::uint8_t{0};
    add_rule(rule, requests);
  }
  return requests;
}

}  // namespace connmark::test
