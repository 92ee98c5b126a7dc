// SPDX-License-Identifier: GPL-2.0-or-later
#include "connmark/text_buffer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "support/random_rules.h"

namespace connmark::test {
namespace {

std::string hex(std::uint32_t value) {
  TextBuffer text;
  return std::string(text.add_hex(value).view());
}

std::string formatted(const char *format, unsigned value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

TextBuffer filled_up_to(std::size_t size) {
  TextBuffer text;
  text.add(std::string(size, 'x'));
  return text;
}

TEST(TextBufferTest, StartsEmpty) {
  TextBuffer text;
  EXPECT_EQ(text.size(), 0U);
  EXPECT_EQ(text.view(), "");
  EXPECT_STREQ(text.c_str(), "");
}

TEST(TextBufferTest, AddsInOrder) {
  TextBuffer text;
  text.add('a').add("bc").add("").add(std::string_view("def", 2)).add_hex(0x1f).add_decimal(7);
  EXPECT_EQ(text.view(), "abcde0x1f7");
  EXPECT_EQ(text.size(), 10U);
  EXPECT_EQ(text.data(), text.view().data());
  EXPECT_STREQ(text.c_str(), "abcde0x1f7");
  EXPECT_EQ(text.add('!').view(), "abcde0x1f7!");
}

TEST(TextBufferTest, KeepsNulBytes) {
  TextBuffer text;
  text.add('\0').add(std::string_view("a\0b", 3));
  EXPECT_EQ(text.view(), std::string_view("\0a\0b", 4));
}

TEST(TextBufferTest, WritesHexAsPrintf) {
  EXPECT_EQ(hex(0), "0x0");
  EXPECT_EQ(hex(0xffffffff), "0xffffffff");
  EXPECT_EQ(hex(0x89abcdef), "0x89abcdef");
  for (unsigned place = 0; place < 32; ++place) {
    const std::uint32_t bit = std::uint32_t{1} << place;
    EXPECT_EQ(hex(bit), formatted("0x%x", bit));
    EXPECT_EQ(hex(bit - 1), formatted("0x%x", bit - 1));
  }
  RandomRules random(random_seed());
  for (int i = 0; i < 10000; ++i) {
    const std::uint32_t value = random.mark();
    ASSERT_EQ(hex(value), formatted("0x%x", value));
  }
}

TEST(TextBufferTest, WritesDecimalAsPrintf) {
  for (unsigned value = 0; value < 256; ++value) {
    TextBuffer text;
    EXPECT_EQ(text.add_decimal(static_cast<std::uint8_t>(value)).view(), formatted("%u", value));
  }
}

TEST(TextBufferTest, TakesAsMuchAsItsCapacity) {
  TextBuffer text = filled_up_to(TextBuffer::kCapacity);
  EXPECT_EQ(text.size(), TextBuffer::kCapacity);
  EXPECT_EQ(text.c_str(), std::string(TextBuffer::kCapacity, 'x'));
}

TEST(TextBufferTest, CutsOffWhatDoesNotFit) {
  const std::string full(TextBuffer::kCapacity, 'x');
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity + 1).view(), full);
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity).add('y').view(), full);
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity).add("yz").add_hex(1).add_decimal(2).view(), full);
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity - 1).add("yz").view(), full.substr(1) + "y");
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity - 3).add_hex(0xabc).view(), full.substr(3) + "0xa");
  EXPECT_EQ(filled_up_to(TextBuffer::kCapacity - 2).add_decimal(255).view(), full.substr(2) + "25");
  TextBuffer text = filled_up_to(3 * TextBuffer::kCapacity);
  EXPECT_STREQ(text.c_str(), full.c_str());
}

TEST(TextBufferTest, CopiesAreIndependent) {
  TextBuffer first;
  first.add("one");
  TextBuffer second = first;
  second.add(" two");
  EXPECT_EQ(first.view(), "one");
  EXPECT_EQ(second.view(), "one two");
}

}  // namespace
}  // namespace connmark::test
