#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every command in the manual and in the README's recipes can be pasted into a shell, for IPv4 and IPv6, and the rules
# are there afterwards.

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"
needs nft ip

# In a table of its own: iptables-nft shows no table that holds statements of nft's own.
play_nft() {
    nft "${@/#mangle/examples}"
}

check() {
    local source device commands added rules
    set_family
    for device in wan1 wan2 wg0; do
        ip link add "$device" type veth peer name "${device}_peer"
        ip link set "$device" up
    done
    ip addr add 198.51.100.2/24 dev wan2
    ip addr add 2001:db8:2::2/64 dev wan2
    nft 'table ip examples { chain POSTROUTING { type filter hook postrouting priority mangle; }; }'
    for source in manual_examples readme_examples; do
        commands=$("$source" | join_lines | grep -E -e '^(iptables|ip|nft|sysctl) ')
        play <<<"$commands"
        added=$(grep -c -e '^iptables ' <<<"$commands")
        [[ $added -ge 9 ]] || fail "$source has only $added rules"
        rules=$("$front_end" -t mangle -S | grep -c -e '-j CONNMARK')
        assert_equal "rules out of $source" "$added" "$rules"
        start_afresh
    done
}

for_each_front_end check
