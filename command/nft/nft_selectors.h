// SPDX-License-Identifier: GPL-2.0-or-later
//
// What nft's names for properties of packets mean: the readers of its rules agree
// on it, whether they have the names or the kernel's numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace connmark {

// Whether `meta KEY` or `ct KEY` is the same each time that it is asked for while
// one packet is looked at; random numbers and the clock are not.
bool is_stable_meta(std::string_view key);
bool is_stable_ct(std::string_view key);

// Whether a rule may end at `meta KEY` or `ct KEY`, since a packet has not such a
// property: NFT_BREAK in nft_meta_get_eval() and nft_ct_get_eval().  The
// connection's mark is known to need one, and not among these.
bool may_lack_meta(std::string_view key);
bool may_lack_ct(std::string_view key);

// "tcp": 6; nothing for a name that nft does not write.
std::optional<std::uint32_t> nft_protocol_number(std::string_view name);

// Whether IPv6's "next header" of this number is what the packet carries, and no
// extension header.
bool is_upper_layer(std::uint32_t protocol);

// One of the kState..., or 0.
std::uint32_t connection_state(std::string_view name);

// Of the payload's protocol: "tcp" 6, and what carries it ("icmp" 4, else 0).
struct PayloadProtocol {
  std::uint32_t protocol = 0;  // of IANA; 0 for one that lies not above IP
  std::uint32_t version = 0;   // 4 or 6 where only that carries it, else 0
};
PayloadProtocol payload_protocol(std::string_view name);

}  // namespace connmark
