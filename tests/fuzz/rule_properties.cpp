// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/rule_properties.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "connmark/text_buffer.h"
#include "unit/nft_statement.h"

namespace connmark::test {
namespace {

constexpr std::string_view kUnknownModeText = " ERROR: UNKNOWN CONNMARK MODE";

std::vector<std::string> words(const std::string &text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

// Each bit of a result depends on single bits of both marks, so no bit, every
// bit alone, and all bits tell one such function from another.
const std::vector<Marks> &telling_marks() {
  static const std::vector<Marks> all = [] {
    std::vector<Marks> marks = {{0, 0}, {kAllBits, 0}, {0, kAllBits}, {kAllBits, kAllBits}};
    for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
      marks.push_back({bit, 0});
      marks.push_back({0, bit});
      marks.push_back({bit, bit});
    }
    return marks;
  }();
  return all;
}

void expect_decode_and_encode(Revision revision, const WireBytes &bytes, const Operation &op) {
  WireBytes again = bytes;
  encode_into(revision, op, again);
  expect(decoded(revision, again) == op, "decode(encode(x)) == x", "");

  expect(again == bytes, "encode(decode(x)) == x, and padding is left alone", "");

  const Operation same_effect = canonical(op);
  expect(canonical(same_effect) == same_effect, "canonical(canonical(x)) == canonical(x)", "");
  for (const Marks &marks : telling_marks()) {
    expect(apply(op, marks) == apply(same_effect, marks), "canonical(x) does what x does", "");
  }
}

void expect_saved_text_to_be_read_again(Revision revision, const Operation &op,
                                        const std::string &text) {
  const ParsedRule again = parsed(revision, words(text));
  expect(again.accepted, "saved text is accepted", text + ": " + again.error);
  expect(again.warnings.empty(), "saved text needs no warning", text + ": " + again.warnings);
  expect(decoded(revision, again.bytes) == canonical(op), "parse(save(x)) == x", text);
  expect(printed_by_save(revision, again.bytes) == text, "save(parse(text)) == text", text);
}

void expect_exact(const Operation &op, const std::string &statement) {
  std::vector<Marks> expected = telling_marks();
  for (Marks &marks : expected) marks = apply(op, marks);
  try {
    const std::vector<Marks> got = run_nft(statement, telling_marks());
    expect(got == expected, "the translation does what the rule does", statement);
    expect(run_nft(statement, telling_marks(), false) == telling_marks(),
           "the translation does nothing without a connection", statement);
  } catch (const std::invalid_argument &error) {
    expect(false, "the translation is nft's language", statement + ": " + error.what());
  }
}

}  // namespace

void expect(bool holds, std::string_view what, std::string_view detail) {
  if (holds) return;
  std::fprintf(stderr, "not so: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

void expect_legible(std::string_view text) {
  expect(!text.empty() && text.size() < TextBuffer::kCapacity, "text ends in bounds", text);
  expect(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }),
         "text is printable", text);
}

void expect_properties(Revision revision, const WireBytes &bytes) {
  const Operation op = decoded(revision, bytes);
  expect_decode_and_encode(revision, bytes, op);

  const std::string saved = printed_by_save(revision, bytes);
  const std::string listed = printed_by_list(revision, bytes);
  const std::optional<std::string> statement = translated(revision, bytes);
  expect_legible(saved);
  expect_legible(listed);

  expect((saved == kUnknownModeText) == !is_known(op.mode), "save names unknown modes", saved);
  expect((listed == kUnknownModeText) == !is_known(op.mode), "list names unknown modes", listed);
  const bool runs = is_known(op.mode) && op.shift.bits <= kMaxShiftBits;
  expect(statement.has_value() == runs, "what a kernel runs is translated, and nothing else",
         saved);
  if (!runs) return;
  expect_legible(*statement);
  expect_saved_text_to_be_read_again(revision, op, saved);
  expect_exact(op, *statement);
}

}  // namespace connmark::test
