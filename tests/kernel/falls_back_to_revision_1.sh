#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Before a kernel that has only revision 1 of CONNMARK, the plugin makes rules of that revision: the same but for
# the shifts, which are unknown options there.

source "$(dirname "$0")/lib.sh"
needs conntrack
: "${CONNMARK_WITHOUT_REVISION_2:?must name the library built from kernel_without_revision_2.c}"

on_old_kernel() { # FRONT_END OPTION...
    LD_PRELOAD=$CONNMARK_WITHOUT_REVISION_2 "$@"
}

add_rule_on_old_kernel() { # OPTION...
    on_old_kernel "$front_end" -t mangle -A OUTPUT -j CONNMARK "$@"
}

check() {
    local help
    help=$(on_old_kernel "$front_end" -j CONNMARK --help)
    assert_contains "help" --set-xmark "$help"
    assert_equal "lines of help on shifts" "" "$(grep -e -shift- <<<"$help" || true)"
    assert_status 2 add_rule_on_old_kernel --set-mark 1 --left-shift-mark 1
    assert_contains "stderr" 'unknown option "--left-shift-mark"' "$(<"$scratch/stderr")"

    "$front_end" -t mangle -A OUTPUT -j MARK --set-mark 0x5a
    assert_succeeds add_rule_on_old_kernel --set-mark 0x1234
    assert_succeeds add_rule_on_old_kernel --save-mark --mask 0xff
    assert_succeeds add_rule_on_old_kernel --xor-mark 0xff
    assert_succeeds add_rule_on_old_kernel --restore-mark --nfmask 0xffff --ctmask 0xff00
    "$front_end" -t mangle -A OUTPUT -m mark --mark 0x1200 -j ACCEPT

    assert_equal "saved rules" "$(
        cat <<-EOF
	-A OUTPUT -j CONNMARK --set-xmark 0x1234/0xffffffff
	-A OUTPUT -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff
	-A OUTPUT -j CONNMARK --set-xmark 0xff/0x0
	-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffff --ctmask 0xff00
	EOF
    )" "$(on_old_kernel "$front_end-save" | grep -e CONNMARK)"
    assert_succeeds on_old_kernel "$front_end" -t mangle -C OUTPUT -j CONNMARK --save-mark --mask 0xff

    # The library lets no rule of revision 2 pass from legacy front ends; for the others, nft knows.
    if [[ $front_end == *-nft ]] && command -v nft >/dev/null; then
        assert_equal "revisions in the kernel" "target name CONNMARK rev 1" \
            "$(nft --debug=netlink list ruleset 2>/dev/null | grep -oe 'target name CONNMARK rev .' | uniq)"
    fi

    silence_answers
    send_packet 9
    assert_equal "connection's mark" 0x12a5 "$(connection_mark 9)"
    assert_matches "packets with the restored mark" '^\[1:' \
        "$("$front_end-save" -c -t mangle 2>/dev/null | grep -e '-j ACCEPT')"
}

for_each_front_end check
