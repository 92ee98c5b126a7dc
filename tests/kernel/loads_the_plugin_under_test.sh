#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front ends load the plugin in CONNMARK_PLUGIN_DIR and not the system's: only ours names the range of a shift.

source "$(dirname "$0")/lib.sh"

check() {
    assert_status 2 add_rule --set-mark 1 --left-shift-mark 32
    assert_contains "stderr" 'CONNMARK: --left-shift-mark: "32" is out of range, give 0 to 31' \
        "$(<"$scratch/stderr")"
}

for_each_front_end check
