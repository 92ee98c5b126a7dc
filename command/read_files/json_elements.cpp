// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_files/json_elements.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <vector>

#include "command/read_files/refused_input.h"
#include "command/refusal.h"

namespace connmark {
namespace {

using Json = nlohmann::json;

// Far more than any tool writes; what reads the objects may call itself as often.
constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLongestToken = 64 * std::size_t{1024};

// The bytes of the document.  Counting lines for a message can wait until one is
// needed, or the bytes go.
class Bytes {
 public:
  Bytes(std::istream &in, const std::string &name) : in_(in), name_(name), buffer_(kLongestToken) {}

  bool has_next() { return at_ != end_ || fill(); }
  char next() const { return buffer_[at_]; }
  void advance() { ++at_; }

  void begin_token() { token_begin_ = read_before_ + at_; }
  bool is_empty() const { return read_before_ + end_ == 0; }
  bool was_asked_for_more() const { return was_asked_for_more_; }

  [[noreturn]] void refuse(const std::string &what) const {
    const Place place = place_now();
    refuse_line(name_, place.line, "column " + std::to_string(place.column) + ": " + what);
  }

 private:
  struct Place {
    std::uint64_t line = 1;
    std::uint64_t column = 0;
  };

  // Of the byte last read.
  Place place_now() const {
    Place place = buffer_begin_;
    for (const char c : std::string_view(buffer_.data(), at_)) {
      ++place.column;
      if (c == '\n') place = {place.line + 1, 0};
    }
    return place;
  }

  bool fill() {
    // A token is at most twice as long before it is found to be too long.
    if (read_before_ + end_ - token_begin_ > kLongestToken) {
      refuse("more than " + std::to_string(kLongestToken) + " bytes without a value");
    }
    buffer_begin_ = place_now();
    read_before_ += end_;
    at_ = 0;
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    end_ = static_cast<std::size_t>(in_.gcount());
    if (in_.bad()) throw Refusal(name_ + ": cannot be read");
    was_asked_for_more_ = end_ == 0;
    return end_ != 0;
  }

  std::istream &in_;
  const std::string &name_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::uint64_t read_before_ = 0;  // bytes, before those in the buffer
  std::uint64_t token_begin_ = 0;
  Place buffer_begin_;
  bool was_asked_for_more_ = false;
};

// The end is an iterator without bytes.
class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = char;

  ByteIterator() = default;
  explicit ByteIterator(Bytes &bytes) : bytes_(&bytes) {}

  char operator*() const { return bytes_->next(); }
  ByteIterator &operator++() {
    bytes_->advance();
    return *this;
  }
  // Two iterators are only ever compared to find the end.
  bool operator==(const ByteIterator &) const { return !bytes_->has_next(); }

 private:
  Bytes *bytes_ = nullptr;
};

// Builds one object of the list after the other.
class ElementBuilder : public nlohmann::json_sax<Json> {
 public:
  ElementBuilder(Bytes &bytes, const JsonList &list, const TakeJsonElement &take)
      : bytes_(bytes), list_(list), take_(take), list_depth_(list.member.empty() ? 1 : 2) {}

  bool found_list() const { return found_list_; }

  bool null() override { return value(nullptr); }
  bool boolean(bool given) override { return value(given); }
  bool number_integer(number_integer_t given) override { return value(given); }
  bool number_unsigned(number_unsigned_t given) override { return value(given); }
  bool number_float(number_float_t given, const string_t &) override { return value(given); }
  bool string(string_t &given) override { return value(std::move(given)); }
  bool binary(binary_t &) override { return true; }  // no JSON text has it

  bool key(string_t &name) override {
    bytes_.begin_token();
    if (is_left_out()) return true;
    if (open_.empty()) {
      is_list_next_ = depth_ == 1 && name == list_.member;
    } else if (open_.size() == 2 && name == "elem" && element_.contains(list_.without_elements)) {
      left_out_at_ = depth_;
    } else {
      slot_ = &(*open_.back())[name];
    }
    return true;
  }

  bool start_object(std::size_t) override {
    enter();
    if (is_left_out()) return true;
    if (!open_.empty()) {
      open_.push_back(put(Json(Json::value_t::object)));
    } else if (is_in_list_ && depth_ == list_depth_ + 1) {
      element_ = Json(Json::value_t::object);
      open_.push_back(&element_);
    } else if (depth_ == 1 && list_depth_ == 1) {
      refuse_document();
    }
    return true;
  }

  bool end_object() override {
    leave();
    if (is_left_out()) {
      end_left_out();
      return true;
    }
    if (open_.empty()) return true;
    open_.pop_back();
    if (!open_.empty()) return true;
    try {
      take_(element_);
    } catch (const Refusal &refused) {
      bytes_.refuse(refused.what());
    }
    return true;
  }

  bool start_array(std::size_t) override {
    enter();
    if (is_left_out()) return true;
    if (!open_.empty()) {
      open_.push_back(put(Json(Json::value_t::array)));
    } else if (is_in_list_ && depth_ == list_depth_ + 1) {
      refuse_element();
    } else if (depth_ == list_depth_ && (list_depth_ == 1 || is_list_next_)) {
      is_in_list_ = true;
      found_list_ = true;
    } else if (depth_ == 1) {
      refuse_document();
    }
    return true;
  }

  bool end_array() override {
    leave();
    if (is_left_out()) {
      end_left_out();
      return true;
    }
    if (!open_.empty()) {
      open_.pop_back();
    } else if (depth_ < list_depth_) {
      is_in_list_ = false;
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string &token,
                   const nlohmann::detail::exception &) override {
    if (bytes_.is_empty()) bytes_.refuse("is empty, give what " + program() + " prints");
    if (bytes_.was_asked_for_more())
      bytes_.refuse("the JSON text ends here, but it is not complete");
    bytes_.refuse(in_quotes(token) + " is not JSON, give what " + program() + " prints");
  }

  [[noreturn]] void refuse_document() const {
    bytes_.refuse("is JSON, but not what " + program() + " prints");
  }

 private:
  std::string program() const { return in_quotes(list_.program); }

  [[noreturn]] void refuse_element() const {
    bytes_.refuse("a value that is not an object, give what " + program() + " prints");
  }

  void enter() {
    bytes_.begin_token();
    if (++depth_ > kDeepest) {
      bytes_.refuse("is nested deeper than " + std::to_string(kDeepest) + " levels");
    }
  }

  void leave() {
    bytes_.begin_token();
    --depth_;
  }

  // A value behind "elem" is one level deeper than the key, or a single token.
  bool is_left_out() const { return left_out_at_ != 0; }
  void end_left_out() {
    if (depth_ == left_out_at_) left_out_at_ = 0;
  }

  template <typename Value>
  bool value(Value &&given) {
    bytes_.begin_token();
    if (is_left_out()) {
      end_left_out();
    } else if (!open_.empty()) {
      put(Json(std::forward<Value>(given)));
    } else if (depth_ == 0) {
      refuse_document();
    } else if (is_in_list_) {
      refuse_element();
    }
    return true;
  }

  Json *put(Json &&given) {
    Json &container = *open_.back();
    if (container.is_array()) {
      container.push_back(std::move(given));
      return &container.back();
    }
    *slot_ = std::move(given);
    return slot_;
  }

  Bytes &bytes_;
  const JsonList &list_;
  const TakeJsonElement &take_;
  const std::size_t list_depth_;
  std::size_t depth_ = 0;  // of open objects and arrays
  bool is_list_next_ = false;
  bool is_in_list_ = false;
  bool found_list_ = false;
  std::size_t left_out_at_ = 0;  // the depth of a key whose value is left out
  Json element_;
  std::vector<Json *> open_;  // objects and arrays of the element, from itself to the innermost
  Json *slot_ = nullptr;      // in an object: where the value behind the key goes
};

}  // namespace

void read_json_elements(std::istream &in, const std::string &name, const JsonList &list,
                        const TakeJsonElement &take) {
  Bytes bytes(in, name);
  ElementBuilder builder(bytes, list, take);
  Json::sax_parse(ByteIterator(bytes), ByteIterator(), &builder);
  if (!builder.found_list()) builder.refuse_document();
}

}  // namespace connmark
