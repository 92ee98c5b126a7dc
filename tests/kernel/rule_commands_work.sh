#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -A, -I, -R, -C, -D by rule and by number, -S, -L and -Z.

source "$(dirname "$0")/lib.sh"

mangle() {
    "$front_end" -t mangle "$@"
}

packets_counted() { # TARGET LISTED
    awk -v target="$1" '$3 == target {print $1; exit}' <<<"$2"
}

check() {
    local listed rules_left=(
        '-A OUTPUT -j CONNMARK --set-xmark 0x0/0xfffffff0'
        '-A OUTPUT -j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf'
    )

    assert_succeeds mangle -A OUTPUT -j CONNMARK --set-mark 1/0xff
    assert_succeeds mangle -A OUTPUT -j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf
    assert_succeeds mangle -I OUTPUT -j CONNMARK --restore-mark --left-shift-mark 3
    assert_succeeds mangle -I OUTPUT 2 -j CONNMARK --xor-mark 0x10 --right-shift-mark 4
    assert_output_rules "after -A and -I" \
        '-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 3' \
        '-A OUTPUT -j CONNMARK --set-xmark 0x10/0x0 --right-shift-mark 4' \
        '-A OUTPUT -j CONNMARK --set-xmark 0x1/0xff' \
        '-A OUTPUT -j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf'

    assert_succeeds mangle -C OUTPUT -j CONNMARK --set-mark 1/0xff
    assert_succeeds mangle -C OUTPUT -j CONNMARK --xor-mark 0x10 --right-shift-mark 4
    if compares_options; then
        assert_status 1 mangle -C OUTPUT -j CONNMARK --set-mark 1/0xf
        assert_status 1 mangle -C OUTPUT -j CONNMARK --set-mark 3/0xff
        assert_status 1 mangle -C OUTPUT -j CONNMARK --xor-mark 0x10 --left-shift-mark 4
        assert_status 1 mangle -C OUTPUT -j CONNMARK --xor-mark 0x10 --right-shift-mark 5
        assert_status 1 mangle -C OUTPUT -j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf
        assert_status 1 mangle -D OUTPUT -j CONNMARK --set-mark 3/0xff
    else
        printf 'note: %s does not tell rules by their options\n' "$front_end"
    fi

    assert_succeeds mangle -R OUTPUT 1 -j CONNMARK --and-mark 0xf
    assert_succeeds mangle -D OUTPUT 2
    assert_succeeds mangle -D OUTPUT -j CONNMARK --set-mark 1/0xff
    assert_output_rules "after -R and -D" "${rules_left[@]}"

    mangle -A OUTPUT -j ACCEPT
    silence_answers
    send_packet 9
    assert_matches "-L -n -v" '^ *1 +[0-9]+ CONNMARK .* CONNMARK and 0xf$' "$(mangle -L OUTPUT -n -v | sed -n 3p)"
    assert_matches "-L -n" '^CONNMARK .* CONNMARK save nfmask 0xf0 ctmask ~0xf$' \
        "$(mangle -L OUTPUT -n | sed -n 4p)"
    assert_matches "-S -v" '-c 1 [0-9]+ ' "$(mangle -v -S OUTPUT 2)"

    # iptables-nft 1.8.7 leaves a rule's counters: what holds for another target is to hold for ours.
    assert_succeeds mangle -Z OUTPUT
    listed=$(mangle -L OUTPUT -n -v)
    assert_equal "packets counted after -Z" "$(packets_counted ACCEPT "$listed")" \
        "$(packets_counted CONNMARK "$listed")"
    assert_succeeds mangle -F OUTPUT
    assert_equal "rules after -F" "" "$(output_rules)"
}

for_each_front_end check
