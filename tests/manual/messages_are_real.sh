#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every message in the manual's diagnostics is one that iptables prints, and the manual has every message.

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"

# The options that provoke each message.
lines=(
    '--save-mark --left-shift-mark 32'
    '--save-mark --mask 0xfg'
    '--set-mark 1/'
    '--set-mark 1 --or-mark 1'
    '--save-mark --left-shift-mark 1 --right-shift-mark 1'
    '--save-mark --mask 1 --nfmask 1'
    '--set-mark 1 --set-mark 1'
    '! --set-mark 1'
    '--mask 1'
    '--set-mark 1 --mask 0xff'
    '--mask 0xff --set-mark 1'
)

check() {
    local line message diagnostics
    diagnostics=$(manual_text | sed -n '/^\.SH DIAGNOSTICS/,/^From elsewhere/p')
    for line in "${lines[@]}"; do
        # shellcheck disable=SC2086 # options, to be split
        "$front_end" -t mangle -A OUTPUT -j CONNMARK $line 2>"$scratch/stderr" || true
        message=$(sed -nE 's/^.*CONNMARK: //p' "$scratch/stderr")
        # The list of operations is cut in the manual.
        message=${message/--set-xmark, */--set-xmark, ...}
        assert_contains "manual" "$message" "$diagnostics"
    done
    assert_equal "messages in the manual" "${#lines[@]}" "$(grep -c '^\.TP' <<<"$diagnostics")"
}

for_each_front_end check iptables-legacy
