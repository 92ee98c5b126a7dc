#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside some release of Debian, in a network namespace of its own, with XTABLES_LIBDIR pointing to the plugin
# under test: every option on both back ends and both families, each printed again by each command that prints rules.
# Prints what is wrong; exit status 0 if nothing is.

set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
failures=0

fail() {
    printf 'FAIL: %s: %s\n' "$front_end" "$1"
    failures=1
}

# options | as iptables-save prints them | as iptables -L does | in nft
rows=(
    '--set-xmark 0x16/0x12|--set-xmark 0x16/0x12|xset 0x16/0x12|ct mark set ct mark and 0xffffffed xor 0x16'
    '--set-mark 1|--set-xmark 0x1/0xffffffff|set 0x1|ct mark set 0x1'
    '--set-mark 2/3|--set-xmark 0x2/0x3|xset 0x2/0x3|ct mark set ct mark and 0xfffffffc or 0x2'
    '--and-mark 0xff|--set-xmark 0x0/0xffffff00|and 0xff|ct mark set ct mark and 0xff'
    '--or-mark 6|--set-xmark 0x6/0x6|or 0x6|ct mark set ct mark or 0x6'
    '--xor-mark 010|--set-xmark 0x8/0x0|xor 0x8|ct mark set ct mark xor 0x8'
    '--save-mark|--save-mark --nfmask 0xffffffff --ctmask 0xffffffff|save|ct mark set mark'
    '--save-mark --mask 0xf|--save-mark --nfmask 0xf --ctmask 0xf|save mask 0xf|ct mark set ct mark and 0xfffffff0 or meta mark and 0xf'
    '--save-mark --nfmask 3|--save-mark --nfmask 0x3 --ctmask 0xffffffff|save nfmask 0x3 ctmask ~0xffffffff|ct mark set mark and 0x3'
    '--restore-mark|--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff|restore|meta mark set ct mark'
    '--restore-mark --ctmask 5|--restore-mark --nfmask 0xffffffff --ctmask 0x5|restore ctmask 0x5 nfmask ~0xffffffff|meta mark set ct mark and 0x5'
    '--save-mark --left-shift-mark 8|--save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 8|save left-shift-mark 8|ct mark set mark << 8'
    '--restore-mark --right-shift-mark 31|--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 31|restore right-shift-mark 31|meta mark set ct mark >> 31'
    '--set-mark 1 --left-shift-mark 4|--set-xmark 0x1/0xffffffff --left-shift-mark 4|set 0x1 left-shift-mark 4|ct mark set 0x10'
)

refused=(
    '' '--set-mark' '--set-mark x' '--set-mark 1 --or-mark 1' '--mask 1' '! --save-mark'
    '--save-mark --left-shift-mark 32' '--save-mark --left-shift-mark 1 --right-shift-mark 1'
)

column() { cut -d'|' -f"$1" <<<"$row"; }

check_rows() {
    local row options saved expected_rules='' expected_list='' listed
    for row in "${rows[@]}"; do
        read -ra options <<<"$(column 1)"
        "$front_end" -t mangle -A OUTPUT -j CONNMARK "${options[@]}" || fail "refuses ${options[*]}"
        "$front_end" -t mangle -C OUTPUT -j CONNMARK "${options[@]}" >/dev/null || fail "does not find ${options[*]}"
        expected_rules+="-A OUTPUT -j CONNMARK $(column 2)"$'\n'
        expected_list+="CONNMARK $(column 3)"$'\n'
        translated=$("${front_end%%-*}-translate" -t mangle -A OUTPUT -j CONNMARK "${options[@]}")
        # Some releases quote the statement.
        grep -q -E "add rule ip6? mangle OUTPUT counter $(column 4)'? *$" <<<"$translated" ||
            fail "translates ${options[*]} to $translated"
    done
    saved=$("$front_end-save" -t mangle | grep -e '^-A')
    [[ "$saved"$'\n' == "$expected_rules" ]] || fail "saves $saved"
    [[ "$("$front_end" -t mangle -S | grep -e '^-A')" == "$saved" ]] || fail "-S differs from -save"
    listed=$("$front_end" -t mangle -L OUTPUT | sed -n 's/^.* \(CONNMARK [a-z]\)/\1/p' | sed 's/ *$//')
    [[ "$listed"$'\n' == "$expected_list" ]] || fail "lists $listed"

    "$front_end-save" -t mangle | "$front_end-restore"
    [[ "$("$front_end-save" -t mangle | grep -e '^-A')" == "$saved" ]] || fail "does not restore what it saved"
    for row in "${rows[@]}"; do
        read -ra options <<<"$(column 1)"
        "$front_end" -t mangle -D OUTPUT -j CONNMARK "${options[@]}" >/dev/null || fail "does not delete ${options[*]}"
    done
}

check_refusals() {
    local line options status
    for line in "${refused[@]}"; do
        read -ra options <<<"$line"
        status=0
        "$front_end" -t mangle -A OUTPUT -j CONNMARK "${options[@]}" 2>/dev/null || status=$?
        [[ $status -eq 2 ]] || fail "exit status $status for '$line'"
    done
    ! "$front_end" -t mangle -S | grep -q -e '^-A' || fail "a refused line has left a rule"
}

check_help() {
    local help
    help=$("$front_end" -j CONNMARK --help)
    grep -q -F -e '--save-mark               ctmark = (ctmark & ~ctmask) ^ (nfmark & nfmask)' <<<"$help" ||
        fail "prints another plugin's help"
}

# nft itself asks the plugin, where it is built to, or else prints that this is iptables' own rule.
check_nft_list() {
    local listed
    "$front_end" -t mangle -A OUTPUT -j CONNMARK --set-xmark 0x16/0x12
    listed=$(nft list ruleset 2>&1) || fail "nft list ruleset: $listed"
    grep -q -E 'ct mark set ct mark (and|&) 0xffffffed (xor|\^) 0x0*16|xt target "CONNMARK"' <<<"$listed" ||
        fail "nft lists $listed"
    "$front_end" -t mangle -F
}

for front_end in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
    check_help
    check_rows
    check_refusals
    [[ $front_end == *legacy ]] || check_nft_list
done
exit "$failures"
