#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every operation with every kind of mask and shift, translated and loaded into nft, does to a real packet what the
# rule of iptables does. An nft before 1.1.2 refuses to combine both marks in one statement; it may refuse those
# cases, but no others, and must never take one that does something else.

source "$(dirname "$0")/lib.sh"
needs conntrack nft {iptables,ip6tables}-restore-translate
source "$(dirname "$0")/operation_cases.sh"

first_port=1000

translate_cases() {
    local port=$first_port case
    {
        echo '*mangle'
        for case in "${cases[@]}"; do
            echo "-A OUTPUT -p udp --dport $((port++)) -j CONNMARK ${case%%|*}"
        done
        echo COMMIT
    } >"$scratch/rules"
    "${front_end%-nft}-restore-translate" -f "$scratch/rules" | grep -e '^add rule'
}

check() {
    local index port options ct nf counted loaded=() refused=0
    local -a translations
    local -A marks

    mapfile -t translations < <(translate_cases)
    assert_equal "number of translations" "${#cases[@]}" "${#translations[@]}"
    nft -f - <<<"table $nft_family mangle { chain OUTPUT { type route hook output priority mangle; }; }"
    for index in "${!cases[@]}"; do
        IFS='|' read -r options ct nf <<<"${cases[index]}"
        port=$((first_port + index))
        if nft -f - 2>"$scratch/stderr" <<-EOF; then
	add rule $nft_family mangle OUTPUT udp dport $port meta mark set $packet_mark_before ct mark set $connection_mark_before
	${translations[index]}
	add rule $nft_family mangle OUTPUT udp dport $port meta mark $nf ct mark $ct counter
	EOF
            loaded+=("$index")
            send_packet "$port"
        else
            assert_matches "nft refuses $options" 'mark set .*(ct mark.*meta mark|meta mark.*ct mark)' \
                "${translations[index]}, $(head -n 1 "$scratch/stderr")"
            ((++refused))
        fi
    done
    [[ $refused -eq 0 ]] || printf 'note: this nft refuses %s of %s translations\n' "$refused" "${#cases[@]}"

    while read -r port ct; do
        marks[$port]=$(printf '%#x' "$ct")
    done < <(connection_marks)
    counted=$(nft list chain "$nft_family" mangle OUTPUT)
    for index in "${loaded[@]}"; do
        IFS='|' read -r options ct nf <<<"${cases[index]}"
        port=$((first_port + index))
        assert_equal "connection after ${translations[index]#*counter }, for $options" "$ct" "${marks[$port]:-none}"
        assert_matches "one packet with marks $ct and $nf after ${translations[index]#*counter }, for $options" \
            'counter packets 1 ' "$(grep -e "dport $port meta mark 0x.* ct mark 0x.*counter" <<<"$counted")"
    done
}

for_each_front_end check iptables-nft ip6tables-nft
