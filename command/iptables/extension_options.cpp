// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of a plugin's x6 options has a layout of the library's release, so
// xtables_options_xfrm() reads it: that is of the same release as the plugins.
#include "command/iptables/extension_options.h"

#include "command/iptables/xtables_library.h"
// Behind xtables.h, which brings net/if.h.
#include <getopt.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <unordered_map>

#include "connmark/options.h"

namespace connmark {
namespace {

struct KnownExtension {
  ExtensionKind kind = ExtensionKind::kMatch;
  std::string_view name;
  // Each followed by a space; "=" behind those with an argument.
  std::string_view options;
};

// What the readers look into, for a machine where iptables is not installed.
constexpr std::array kKnownExtensions = {
    KnownExtension{ExtensionKind::kMatch, "comment", "comment= "},
    KnownExtension{ExtensionKind::kMatch, "state", "state= "},
    KnownExtension{ExtensionKind::kMatch, "socket", "transparent nowildcard restore-skmark "},
    KnownExtension{ExtensionKind::kMatch, "rpfilter", "loose validmark accept-local invert "},
    KnownExtension{ExtensionKind::kMatch, "udp", "source-port= sport= destination-port= dport= "},
    KnownExtension{ExtensionKind::kMatch, "tcp",
                   "source-port= sport= destination-port= dport= syn tcp-flags= tcp-option= "},
    KnownExtension{ExtensionKind::kMatch, "multiport",
                   "source-ports= sports= destination-ports= dports= ports= "},
    KnownExtension{ExtensionKind::kMatch, "conntrack",
                   "ctstate= ctproto= ctorigsrc= ctorigdst= ctreplsrc= ctrepldst= ctstatus= "
                   "ctexpire= ctorigsrcport= ctorigdstport= ctreplsrcport= ctrepldstport= ctdir= "},
    KnownExtension{ExtensionKind::kTarget, "TPROXY", "on-port= on-ip= tproxy-mark= "},
    KnownExtension{ExtensionKind::kTarget, "NOTRACK", ""},
    KnownExtension{ExtensionKind::kTarget, "CT",
                   "notrack helper= timeout= ctevents= expevents= zone-orig= zone-reply= zone= "},
    KnownExtension{ExtensionKind::kTarget, "ACCEPT", ""},
    KnownExtension{ExtensionKind::kTarget, "DROP", ""},
    KnownExtension{ExtensionKind::kTarget, "QUEUE", ""},
    KnownExtension{ExtensionKind::kTarget, "RETURN", ""},
};

constexpr std::array<std::string_view, 3> kIpv6Targets = {"DNPT", "HL", "SNPT"};

ExtensionOptions options_in(std::string_view words) {
  ExtensionOptions options;
  while (!words.empty()) {
    std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(word.size() + 1);
    const bool takes_argument = word.ends_with('=');
    if (takes_argument) word.remove_suffix(1);
    options.push_back({std::string(word), takes_argument, static_cast<int>(options.size())});
  }
  return options;
}

// MARK has CONNMARK's set operations, and nothing else.
ExtensionOptions mark_options(bool of_connmark) {
  ExtensionOptions options;
  for (const Option &each : kOptions) {
    if (!of_connmark && each.role != Role::kSetOperation) continue;
    options.push_back(
        {std::string(each.name), each.argument != Argument::kNone, static_cast<int>(each.id)});
  }
  return options;
}

// Of this project: they depend on no plugin.
std::optional<ExtensionOptions> options_of_marks(ExtensionKind kind, std::string_view name) {
  if (kind == ExtensionKind::kTarget && (name == "CONNMARK" || name == "MARK")) {
    return mark_options(name == "CONNMARK");
  }
  const bool is_mark = name == "mark" || name == "connmark";
  if (kind == ExtensionKind::kMatch && is_mark) return options_in("mark= ");
  return std::nullopt;
}

std::optional<ExtensionOptions> options_without_plugin(ExtensionKind kind, std::string_view name) {
  for (const KnownExtension &each : kKnownExtensions) {
    if (each.kind == kind && each.name == name) return options_in(each.options);
  }
  return std::nullopt;
}

struct Question {
  ExtensionKind kind = ExtensionKind::kMatch;
  std::uint8_t family = 0;
  const char *name = nullptr;
  bool found = false;
  const ::option *table = nullptr;  // the plugin's own,
  ::option *made = nullptr;         // or one to be freed
};

template <typename Plugin>
void take_table(const Plugin *plugin, Question &question) {
  if (plugin == nullptr) return;
  if (plugin->x6_options != nullptr) {
    unsigned int offset = 0;
    ::option nothing = {};
    question.made = xtables_options_xfrm(&nothing, nullptr, plugin->x6_options, &offset);
    if (question.made == nullptr) return;
  } else {
    question.table = plugin->extra_opts;
  }
  question.found = true;
}

void ask_library(void *data) {
  auto &question = *static_cast<Question *>(data);
  xtables_set_nfproto(question.family);
  if (question.kind == ExtensionKind::kMatch) {
    take_table(xtables_find_match(question.name, XTF_TRY_LOAD, nullptr), question);
  } else {
    take_table(xtables_find_target(question.name, XTF_TRY_LOAD), question);
  }
}

std::optional<ExtensionOptions> plugin_options(ExtensionKind kind, const std::string &name,
                                               bool ipv6) {
  XtablesLibrary &library = XtablesLibrary::instance();
  if (!library.usable()) return std::nullopt;
  Question question;
  question.kind = kind;
  question.family = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
  question.name = name.c_str();
  const bool whole = library.call(ask_library, &question);
  std::optional<ExtensionOptions> options;
  if (whole && question.found) {
    options.emplace();
    const ::option *each = question.made != nullptr ? question.made : question.table;
    for (; each != nullptr && each->name != nullptr; ++each) {
      options->push_back({each->name, each->has_arg == required_argument, each->val});
    }
  }
  std::free(question.made);
  return options;
}

}  // namespace

bool is_extension_name(std::string_view name) {
  constexpr std::size_t kLongest = XT_EXTENSION_MAXNAMELEN - 1;
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

const ExtensionOptions *extension_options(ExtensionKind kind, std::string_view name,
                                          Family family) {
  if (!is_extension_name(name)) return nullptr;
  // No machine has so many plugins; a text may name as many as it likes.
  constexpr std::size_t kMostNames = 1000;
  static std::unordered_map<std::string, std::optional<ExtensionOptions>> asked;
  const bool ipv6 = family == Family::kIpv6;
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind) + (ipv6 ? 2 : 0)));
  key += name;
  const auto found = asked.find(key);
  if (found != asked.end()) return found->second ? &*found->second : nullptr;
  std::optional<ExtensionOptions> options = options_of_marks(kind, name);
  if (!options && asked.size() < kMostNames) {
    // A text does not always tell its family.  The library never looks again for a
    // target that it has not found, whatever the family.
    const bool first = ipv6 || std::ranges::find(kIpv6Targets, name) != kIpv6Targets.end();
    options = plugin_options(kind, std::string(name), first);
    if (!options) options = plugin_options(kind, std::string(name), !first);
  }
  if (!options) options = options_without_plugin(kind, name);
  if (!options && asked.size() >= kMostNames) return nullptr;
  const auto &kept = asked.emplace(std::move(key), std::move(options)).first->second;
  return kept ? &*kept : nullptr;
}

}  // namespace connmark
