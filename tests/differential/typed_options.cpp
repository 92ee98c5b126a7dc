// SPDX-License-Identifier: GPL-2.0-or-later
#include "differential/typed_options.h"

#include <algorithm>
#include <iterator>

namespace connmark::test {
namespace {

const NamedOption *find_option(std::string_view name) {
  const auto exact = std::ranges::find(kNamedOptions, name, &NamedOption::name);
  if (exact != std::end(kNamedOptions)) return exact;
  const auto prefixed = std::ranges::find_if(
      kNamedOptions, [name](const NamedOption &each) { return each.name.starts_with(name); });
  return prefixed != std::end(kNamedOptions) ? prefixed : nullptr;
}

}  // namespace

std::vector<TypedOption> typed_options(const std::vector<std::string> &words) {
  std::vector<TypedOption> typed;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (word == "--") continue;
    const std::size_t equals = word.find('=');
    const NamedOption *const option = find_option(std::string_view(word).substr(0, equals));
    if (option == nullptr) continue;
    std::string argument;
    if (equals != std::string::npos) {
      argument = word.substr(equals + 1);
    } else if (option->has_argument && i + 1 < words.size()) {
      argument = words[++i];
    }
    typed.push_back({option, argument});
  }
  return typed;
}

std::vector<TypedOption> of_kind(const std::vector<TypedOption> &typed, Kind kind) {
  std::vector<TypedOption> found;
  std::ranges::copy_if(typed, std::back_inserter(found),
                       [kind](const TypedOption &each) { return each.option->kind == kind; });
  return found;
}

}  // namespace connmark::test
