// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words of a rule of nf_tables, and what iptables-nft meant by it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "command/read_kernel/nft/registers.h"
#include "command/read_kernel/nft_rule.h"

namespace connmark::nft {

// What a register was loaded with, as far as it has a meaning of its own.
enum class Field : std::uint8_t {
  kOther,
  kIn,  // the names of interfaces
  kOut,
  kInIndex,  // their numbers
  kOutIndex,
  kProtocol,  // above IP
  kVersion,   // NFPROTO_IPV4 ...
  kEtherType,
  kState,
  kDirection,
  kNextHeader,
  kTcpOption,
  kTcpOptionPresence,
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kBothPorts
};

struct LoadedField {
  Field field = Field::kOther;
  std::size_t size = 0;
  std::array<std::uint8_t, 16> mask = {};
  bool is_masked = false;
  bool host_order = false;  // numbers are in the machine's order
  bool is_stable = true;
  // Of a payload.
  bool is_payload = false;
  std::uint32_t base = 0;
  std::uint32_t offset = 0;
  std::string words = {};  // NOLINT(readability-redundant-member-init): designated initialisers
};

// "@1,12,4": base, offset and size of a payload without a name.
std::string payload_words(const LoadedField &field);

// The words of one rule, in nft's language and, for a table of iptables-nft, in
// iptables'.
class RuleText {
 public:
  RuleText(const NftTable &table, std::string_view chain) : table_(table), chain_(chain) {}

  void nft(std::string_view words) {
    if (nft_.ends_with("...") && words.starts_with("... ")) words.remove_prefix(4);
    if (!nft_.empty()) nft_ += ' ';
    nft_ += words;
  }
  void replace_end(std::string_view end, std::string_view words) {
    if (nft_.ends_with(end)) nft_.replace(nft_.size() - end.size(), end.size(), words);
  }
  // What is left out is said once for any number of neighbours.
  void other() {
    if (!nft_.ends_with("...")) nft("...");
  }
  void other_match() { append(matches_, " ..."); }

  void iptables_match(const std::string &words) { append(matches_, words); }
  void iptables_target(const std::string &words) { target_ = words; }

  // A comparison of a field that iptables-nft puts into the rule; false for one
  // that iptables would not have written so.
  bool field(const LoadedField &loaded, std::uint32_t operation, Bytes data);
  bool field_range(const LoadedField &loaded, bool inverted, Bytes from, Bytes to);

  std::uint8_t protocol() const { return protocol_; }

  const std::string &in_nft() const { return nft_; }
  std::string in_iptables() const {
    return "-A " + std::string(chain_) + source_ + destination_ + in_ + out_ + protocol_words_ +
           matches_ + target_;
  }

 private:
  static void append(std::string &to, const std::string &words) {
    if (words != " ..." || !to.ends_with(" ...")) to += words;
  }
  bool interface(std::string &to, const char *option, bool inverted, Bytes data) const;
  bool address(std::string &to, const char *option, const LoadedField &loaded, bool inverted,
               Bytes data) const;
  bool ports(const char *option, bool inverted, const std::string &numbers);
  bool port(const char *option, std::uint32_t operation, Bytes data);

  const NftTable &table_;
  std::string_view chain_;
  std::string nft_;
  std::string source_, destination_, in_, out_, protocol_words_, matches_, target_;
  std::uint8_t protocol_ = 0;
};

}  // namespace connmark::nft
