#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `iptables -j CONNMARK --help` ends with our options. Once it told save and restore the wrong way round.

source "$(dirname "$0")/lib.sh"

check() {
    local help option
    assert_succeeds "$front_end" -j CONNMARK --help
    help=$(sed -n '/^CONNMARK target options/,$p' "$scratch/stdout")
    for option in --set-xmark --set-mark --and-mark --or-mark --xor-mark --save-mark --restore-mark \
        --mask --nfmask --ctmask --left-shift-mark --right-shift-mark; do
        assert_contains "help" "$option" "$help"
    done
    assert_matches "what --save-mark changes" '--save-mark +ctmark =' "$help"
    assert_matches "what --restore-mark changes" '--restore-mark +nfmark =' "$help"
    assert_equal "stderr" "" "$(<"$scratch/stderr")"
}

for_each_front_end check
