#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Loading the C++ runtime would cost every call of iptables several times what the call itself does.
. "$(dirname "$0")/lib.sh"

needs readelf
not_sanitized
needed=$(readelf -dW "$plugin" | sed -nE 's/.*\(NEEDED\).*\[([^.]*)\.so.*/\1/p' | sort | xargs)
assert_equal "libraries that the plugin needs" "libc libxtables" "$needed"
if readelf -dW "$plugin" | grep -E 'RPATH|RUNPATH'; then
    fail "the plugin has a search path of its own"
fi
