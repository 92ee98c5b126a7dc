// SPDX-License-Identifier: GPL-2.0-or-later
//
// What nft's matches ask of a packet besides marks.
#pragma once

#include "command/read_files/nft_json/members.h"
#include "command/rule_set/ruleset.h"

namespace connmark::nft_json {

// Adds to `rule` what nft has the kernel look at before it reads a field in
// `json` ("tcp dport": that the protocol is TCP), and does not list.  `family` is
// the table's.
void add_dependencies(const Json &json, Family family, Rule &rule);

// The statement {"match": `match`}, which has the members "op", "left" and "right".
void add_plain_match(const Json &match, Family family, Rule &rule);

// Whether `expression` is the same each time that it is asked for one packet.
bool is_stable(const Json &expression);

// Whether a packet may have no such thing as the selector `expression`, so that
// the rule ends there.
bool may_be_missing(const Json &expression);

// "ip" and "ip6" are for tables of several families.
void require_version(std::uint32_t version, Family family, Rule &rule);

}  // namespace connmark::nft_json
