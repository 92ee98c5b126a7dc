// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/owners/owners.h"

#include <algorithm>
#include <cctype>
#include <fstream>

#include "command/output/json_document.h"
#include "command/output/number_text.h"
#include "command/refusal.h"
#include "connmark/operation.h"

namespace connmark {
namespace {

std::vector<std::string> strings(const Json &entry, const char *field) {
  return entry.value(field, std::vector<std::string>{});
}

std::uint32_t bits(const Json &entry, const char *field) {
  return read_mark(std::string("--owners: ") + field, entry.value(field, "0"));
}

Owner owner_from(const Json &entry) {
  Owner owner;
  owner.name = entry.at("name").get<std::string>();
  owner.mask = read_mark("--owners: mask of " + owner.name, entry.at("mask").get<std::string>());
  for (const std::string &value : strings(entry, "values")) {
    owner.values.push_back(read_mark("--owners: values of " + owner.name, value));
  }
  if (entry.contains("marks")) {
    const std::vector<std::string> marks = strings(entry, "marks");
    const auto has = [&marks](const char *mark) {
      return std::find(marks.begin(), marks.end(), mark) != marks.end();
    };
    owner.on_packet = has("packet");
    owner.on_connection = has("connection");
  }
  owner.chains = strings(entry, "chains");
  owner.comments = strings(entry, "comments");
  owner.tables = strings(entry, "tables");
  owner.note = entry.value("note", "");
  owner.cure = entry.value("cure", "");
  owner.written_elsewhere = bits(entry, "written_elsewhere");
  owner.read_elsewhere = bits(entry, "read_elsewhere");
  owner.shares_with = strings(entry, "shares_with");
  return owner;
}

struct NameAndText {
  std::string name;
  std::string text;
};

NameAndText name_and_text(const std::string &argument, const std::string &accepted) {
  const std::size_t equals = argument.find('=');
  if (equals == 0 || equals == argument.npos || equals + 1 == argument.size()) {
    throw Refusal("--owner: \"" + argument + "\" is not an owner, give " + accepted);
  }
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

std::uint32_t bits_of(std::uint32_t mark, const Owner &owner) {
  const std::uint32_t bits = mark & owner.mask;
  if (owner.values.empty()) return bits;
  const bool fits = std::find(owner.values.begin(), owner.values.end(), bits) != owner.values.end();
  return fits ? bits : 0;
}

}  // namespace

std::filesystem::path installed_owners_file() { return CONNMARK_OWNERS_FILE; }

std::vector<Owner> read_owners(const std::filesystem::path &file) {
  std::ifstream in(file);
  if (!in) throw Refusal("--owners: \"" + file.string() + "\" cannot be read");
  try {
    const Json document = Json::parse(in);
    if (document.at("schema_version") != kJsonSchemaVersion) {
      throw Refusal("--owners: \"" + file.string() + "\" has another schema_version than " +
                    std::to_string(kJsonSchemaVersion));
    }
    std::vector<Owner> owners;
    for (const Json &entry : document.at("owners")) owners.push_back(owner_from(entry));
    return owners;
  } catch (const Json::exception &error) {
    throw Refusal("--owners: \"" + file.string() + "\" is no list of owners: " + error.what());
  }
}

Owner owner_named_by_user(const std::string &argument) {
  const NameAndText split = name_and_text(argument, "NAME=MASK");
  Owner owner;
  owner.name = split.name;
  owner.mask = read_mark("--owner", split.text);
  owner.named_by_user = true;
  return owner;
}

Owner rules_named_by_user(const std::string &argument) {
  const NameAndText split = name_and_text(argument, "NAME=PATTERN or NAME=MASK");
  // No chain of a program begins with a digit, so that a mistyped mask is
  // refused instead of never matching.
  if (std::isdigit(static_cast<unsigned char>(split.text[0])) != 0) {
    return owner_named_by_user(argument);
  }
  Owner owner;
  owner.name = split.name;
  owner.chains = {split.text};
  owner.comments = {split.text};
  owner.named_by_user = true;
  return owner;
}

std::vector<OwnedBits> owners_of(std::uint32_t mark, const std::vector<Owner> &owners) {
  std::uint32_t users = 0;
  for (const Owner &owner : owners) {
    if (owner.named_by_user) users |= owner.mask;
  }
  std::vector<OwnedBits> result;
  for (const Owner &owner : owners) {
    const std::uint32_t bits = bits_of(mark, owner);
    if (bits == 0 || !owner.on_connection) continue;
    if (owner.named_by_user) {
      result.push_back({owner.name, bits, true});
    } else if ((bits & users) == 0) {
      if (owner.mask == kAllBits && !owner.values.empty()) return {{owner.name, bits, true}};
      result.push_back({owner.name, bits, !owner.values.empty()});
    }
  }
  return result;
}

}  // namespace connmark
