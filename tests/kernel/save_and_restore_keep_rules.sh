#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -save and -restore, with --test, --noflush and --counters.

source "$(dirname "$0")/lib.sh"

rules='*mangle
-A OUTPUT -j CONNMARK --set-mark 1
-A OUTPUT -j CONNMARK --set-mark 1/0xf0
-A OUTPUT -j CONNMARK --and-mark 7 --left-shift-mark 31
-A OUTPUT -j CONNMARK --or-mark 7
-A OUTPUT -j CONNMARK --xor-mark 7
-A OUTPUT -j CONNMARK --save-mark
-A OUTPUT -j CONNMARK --save-mark --mask 0xff --right-shift-mark 1
-A OUTPUT -j CONNMARK --restore-mark --nfmask 1 --ctmask 2
COMMIT'

saved='-A OUTPUT -j CONNMARK --set-xmark 0x1/0xffffffff
-A OUTPUT -j CONNMARK --set-xmark 0x1/0xf1
-A OUTPUT -j CONNMARK --set-xmark 0x0/0xfffffff8 --left-shift-mark 31
-A OUTPUT -j CONNMARK --set-xmark 0x7/0x7
-A OUTPUT -j CONNMARK --set-xmark 0x7/0x0
-A OUTPUT -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
-A OUTPUT -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff --right-shift-mark 1
-A OUTPUT -j CONNMARK --restore-mark --nfmask 0x1 --ctmask 0x2'

saved_rules() {
    saved_tables -t mangle | grep -e CONNMARK || true
}

counters_of() { # TARGET
    "$front_end-save" -c -t mangle | sed -n "s/ .*-j $1.*//p"
}

check() {
    local extra='-A OUTPUT -j CONNMARK --set-mark 9'

    "$front_end" -t mangle -A OUTPUT -j CONNMARK --set-mark 2
    assert_succeeds "$front_end-restore" --test <<<"$rules"
    assert_equal "rules after --test" '-A OUTPUT -j CONNMARK --set-xmark 0x2/0xffffffff' "$(saved_rules)"

    assert_succeeds "$front_end-restore" <<<"$rules"
    assert_equal "rules after -restore" "$saved" "$(saved_rules)"
    saved_tables -t mangle >"$scratch/first"
    assert_succeeds "$front_end-restore" "$scratch/first"
    assert_equal "saved again" "$(<"$scratch/first")" "$(saved_tables -t mangle)"

    assert_succeeds "$front_end-restore" --noflush <<<$'*mangle\n'"$extra"$'\nCOMMIT'
    assert_equal "rules after --noflush" "$saved"$'\n-A OUTPUT -j CONNMARK --set-xmark 0x9/0xffffffff' \
        "$(saved_rules)"

    # ip6tables-nft 1.8.9 forgets all counters: what holds for an ACCEPT rule is to hold for ours.
    assert_succeeds "$front_end-restore" --counters <<-EOF
	*mangle
	[3:300] -A OUTPUT -j CONNMARK --set-mark 1
	[3:300] -A OUTPUT -j ACCEPT
	COMMIT
	EOF
    assert_equal "counters after --counters" "$(counters_of ACCEPT)" "$(counters_of CONNMARK)"
    silence_answers
    send_packet 9
    assert_matches "counters after a packet" '^\[(4:3..|1:..)\]$' "$(counters_of CONNMARK)"
    saved_tables -t mangle -c >"$scratch/counted"
    assert_succeeds "$front_end-restore" --counters "$scratch/counted"
    assert_equal "counters after save and restore" "$(counters_of ACCEPT)" "$(counters_of CONNMARK)"
}

for_each_front_end check
