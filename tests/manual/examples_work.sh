#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every command in the manual and in the README's recipes can be pasted into a shell, for IPv4 and IPv6, and the rules
# are there afterwards.

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"
needs nft ip

# The examples' words, run with the front end of this turn.
iptables() { "$front_end" "$@"; }
ip() { command ip "-$family" "$@"; }
sysctl() {
    local setting=${*: -1}
    printf '%s\n' "${setting#*=}" >"/proc/sys/$(tr . / <<<"${setting%%=*}")"
}
# In a table of its own: iptables-nft shows no table that holds statements of nft's own.
nft() {
    command nft "${@/#mangle/examples}"
}

check() {
    local source line added rules
    command ip link add wan2 type veth peer name provider
    command ip link set wan2 up
    family=4
    [[ $front_end == iptables* ]] || family=6
    command nft 'table ip examples { chain POSTROUTING { type filter hook postrouting priority mangle; }; }'
    for source in manual_examples readme_examples; do
        added=0
        while IFS= read -r line; do
            case $line in
            iptables\ *) ((++added)) ;;
            ip\ * | nft\ * | sysctl\ *) ;;
            *) continue ;;
            esac
            eval "$line" 2>"$scratch/stderr" || fail "in $source: $line: $(<"$scratch/stderr")"
        done < <("$source" | join_lines)
        [[ $added -ge 9 ]] || fail "$source has only $added rules"
        rules=$("$front_end" -t mangle -S | grep -c -e '-j CONNMARK')
        assert_equal "rules out of $source" "$added" "$rules"
        "$front_end" -t mangle -F
        ip rule flush
        ip route flush table 102
    done
}

for_each_front_end check
