#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# iptables-translate, ip6tables-translate and their -restore-translate write for plain rules the words that they
# have always written: other people's scripts and golden files hold them.

source "$(dirname "$0")/lib.sh"
needs {iptables,ip6tables}{-translate,-restore-translate}

declare -A translations=(
    ['--set-mark 1']='ct mark set 0x1'
    ['--set-xmark 0x10']='ct mark set 0x10'
    ['--set-mark 0']='ct mark set 0x0'
    ['--set-mark 1/1']='ct mark set ct mark or 0x1'
    ['--and-mark 0x1']='ct mark set ct mark and 0x1'
    ['--or-mark 1']='ct mark set ct mark or 0x1'
    ['--xor-mark 1']='ct mark set ct mark xor 0x1'
    ['--save-mark']='ct mark set mark'
    ['--save-mark --nfmask 1']='ct mark set mark and 0x1'
    ['--restore-mark']='meta mark set ct mark'
    ['--restore-mark --ctmask 1']='meta mark set ct mark and 0x1'
)

check() {
    local translator=${front_end%-nft} options words rules=() expected=()
    for options in "${!translations[@]}"; do
        read -ra words <<<"$options"
        rules+=("-A OUTPUT -j CONNMARK $options")
        expected+=("add rule $nft_family mangle OUTPUT counter ${translations[$options]}")
        # Since 1.8.8 the rule stands in quotes.
        assert_equal "translation of $options" "nft ${expected[-1]}" \
            "$("$translator-translate" -t mangle -A OUTPUT -j CONNMARK "${words[@]}" | tr -d "'")"
    done

    printf '%s\n' '*mangle' "${rules[@]}" COMMIT >"$scratch/rules"
    assert_equal "translation of a file" "$(printf '%s\n' "${expected[@]}")" \
        "$("$translator-restore-translate" -f "$scratch/rules" | grep -e '^add rule')"
}

for_each_front_end check iptables-nft ip6tables-nft
