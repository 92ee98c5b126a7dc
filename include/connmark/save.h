// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "connmark/operation.h"
#include "connmark/text_buffer.h"

namespace connmark {

// `op` as iptables-save and iptables -S write it, to be read again: one blank,
// then the options in their longest form.  The text is that of the iptables
// plugin, byte for byte.  An unknown mode, which no option can express, yields
// " ERROR: UNKNOWN CONNMARK MODE".
TextBuffer save_text(const Operation &op);

}  // namespace connmark
