// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "connmark/operation.h"

namespace connmark {

enum class StockTranslation : std::uint8_t {
  kExact,
  kInexact,   // a statement that does something else
  kDeclined,  // none, which iptables-translate says
};

// What the nft statement does that the plugin of iptables 1.8.7 to 1.8.11 writes
// for `op`, and that nft lists for such a rule.
StockTranslation stock_translation(const Operation &op);

}  // namespace connmark
