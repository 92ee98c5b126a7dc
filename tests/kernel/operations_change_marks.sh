#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every operation with every kind of mask and shift does to a real packet and its connection what the manual says.
# Each case has a port, and so a connection, of its own; one packet goes to each. The connection's mark is then
# read from conntrack, both marks from the counter of a rule that matches only the expected ones.

source "$(dirname "$0")/lib.sh"
needs conntrack
source "$(dirname "$0")/operation_cases.sh"

first_port=1000

# The rules of up to COUNT cases from case FIRST on, as a file for iptables-restore.
rules_of_cases() { # FIRST COUNT
    local port=$((first_port + $1)) case options ct nf
    echo '*mangle'
    for case in "${cases[@]:$1:$2}"; do
        IFS='|' read -r options ct nf <<<"$case"
        echo "-A OUTPUT -p udp --dport $port -j MARK --set-mark $packet_mark_before"
        echo "-A OUTPUT -p udp --dport $port -j CONNMARK --set-xmark $connection_mark_before"
        echo "-A OUTPUT -p udp --dport $port -j CONNMARK $options"
        echo "-A OUTPUT -p udp --dport $port -m mark --mark $nf -m connmark --mark $ct"
        port=$((port + 1))
    done
    echo COMMIT
}

check() {
    local at_once=25 first index port options ct nf counted
    local -A marks

    # Not all at once: in a user namespace, nft front ends may not enlarge the buffer of their socket.
    for ((first = 0; first < ${#cases[@]}; first += at_once)); do
        "$front_end-restore" --noflush < <(rules_of_cases "$first" "$at_once")
    done
    for index in "${!cases[@]}"; do
        send_packet $((first_port + index))
    done

    while read -r port ct; do
        marks[$port]=$(printf '%#x' "$ct")
    done < <(connection_marks)
    counted=$("$front_end-save" -c -t mangle | grep -e '-m connmark')
    for index in "${!cases[@]}"; do
        IFS='|' read -r options ct nf <<<"${cases[index]}"
        port=$((first_port + index))
        assert_equal "connection after $options" "$ct" "${marks[$port]:-none}"
        assert_matches "one packet with marks $ct and $nf after $options" '^\[1:' \
            "$(grep -e "--dport $port " <<<"$counted")"
    done
}

for_each_front_end check
