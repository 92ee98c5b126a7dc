// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "connmark/operation.h"
#include "connmark/text_buffer.h"

namespace connmark {

// `op` as iptables -L writes it, for people: one blank, then the operation in
// its shortest name.  The text is that of the iptables plugin, byte for byte.
// An unknown mode yields " ERROR: UNKNOWN CONNMARK MODE".
TextBuffer list_text(const Operation &op);

}  // namespace connmark
