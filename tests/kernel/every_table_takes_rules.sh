#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rules are accepted in every table, and take effect in each that a packet walks with a connection: raw comes
# before there is one.

source "$(dirname "$0")/lib.sh"
needs conntrack

check() {
    local table bit expected=0
    local -A bits=([raw]=0x1 [mangle]=0x2 [nat]=0x4 [filter]=0x8 [security]=0x10)

    for table in "${!bits[@]}"; do
        bit=${bits[$table]}
        if ! with_stock "$front_end" -t "$table" -S OUTPUT >/dev/null 2>&1; then
            printf 'note: this kernel has no table %s for %s\n' "$table" "$front_end"
            continue
        fi
        assert_succeeds "$front_end" -t "$table" -A OUTPUT -j CONNMARK --or-mark "$bit"
        assert_equal "rule in table $table" "-A OUTPUT -j CONNMARK --set-xmark $bit/$bit" \
            "$("$front_end" -t "$table" -S OUTPUT | sed 1d)"
        [[ $table == raw ]] || ((expected |= bit))
    done
    send_packet 9
    assert_equal "connection's mark" "$(printf '%#x' "$expected")" "$(connection_mark 9)"
}

for_each_front_end check
