// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who uses which bits: the data file owners.json, and what the user says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace connmark {

struct Owner {
  std::string name;
  std::uint32_t mask = 0;
  // What the bits of `mask` hold; empty: anything but zero.
  std::vector<std::uint32_t> values;
  bool on_packet = true;
  bool on_connection = true;
  // Globs of the chains, the rule comments and nft's tables by which it is known.
  std::vector<std::string> chains;
  std::vector<std::string> comments;
  std::vector<std::string> tables;
  std::string note;
  // How it is told to use other bits.
  std::string cure;
  // Bits of the packet's mark that something else than rules writes or reads:
  // sockets, eBPF programs, tc.
  std::uint32_t written_elsewhere = 0;
  std::uint32_t read_elsewhere = 0;
  // Software whose bits it handles on purpose.
  std::vector<std::string> shares_with;
  bool named_by_user = false;
};

// The installed owners.json.
std::filesystem::path installed_owners_file();

// Throws Refusal where the file cannot be read or is not as connmark(8) says.
std::vector<Owner> read_owners(const std::filesystem::path &file);

// --owner NAME=MASK.
Owner owner_named_by_user(const std::string &argument);

// --owner NAME=PATTERN, a glob of chains and comments; or NAME=MASK.
Owner rules_named_by_user(const std::string &argument);

struct OwnedBits {
  std::string name;
  std::uint32_t bits = 0;
  // False: the software is known to use these bits, but with any value, so
  // that others may have set them.
  bool certain = true;
};

// Who may have set the bits of a connection's mark.  Bits that the user gave to
// an owner have no other.  A value that fits a whole 32-bit mark has no other
// either.
std::vector<OwnedBits> owners_of(std::uint32_t mark, const std::vector<Owner> &owners);

}  // namespace connmark
