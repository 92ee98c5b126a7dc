#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -C and -D find a rule by the words it was made with, after save and restore too, however it was typed. iptables
# compares all bytes of a rule, also those without effect; two spellings of one rule must not differ in them.

source "$(dirname "$0")/lib.sh"

spellings() {
    cat <<-EOF
	--set-xmark 1
	--set-xmark 0x1/0xff
	--set-mark 1
	--set-mark 1/0xff
	--set-mark 1 --mask 0xff
	--mask 0xff --set-mark 1
	--set-mark 1 --ctmask 0xff
	--ctmask 0xff --set-mark 1
	--nfmask 3 --set-mark 1
	--set-mark 1 --nfmask 3
	--set-mark 1 --right-shift-mark 0
	--set-mark 1 --left-shift-mark 0
	--right-shift-mark 0 --set-mark 1
	--set-mark 1 --right-shift-mark 1
	--left-shift-mark 31 --set-mark 1/3
	--and-mark 0xf
	--or-mark 0xf
	--xor-mark 0xf
	--xor-mark 0xf --nfmask 3
	--or-mark 0xf --mask 0xff
	--save-mark
	--save-mark --mask 0xff
	--mask 0xff --save-mark
	--save-mark --nfmask 1 --ctmask 2
	--ctmask 2 --nfmask 1 --save-mark
	--save-mark --right-shift-mark 0
	--save-mark --left-shift-mark 4
	--restore-mark
	--restore-mark --mask 0xff
	--nfmask 1 --restore-mark
	--restore-mark --ctmask 2
	--restore-mark --right-shift-mark 4 --nfmask 1
	--restore-mark --right-shift-mark 0
	EOF
}

check() {
    local options words
    while read -r options; do
        read -ra words <<<"$options"
        assert_succeeds add_rule "${words[@]}"
        "$front_end-save" -t mangle >"$scratch/rules"
        assert_succeeds "$front_end-restore" "$scratch/rules"
        assert_succeeds "$front_end" -t mangle -C OUTPUT -j CONNMARK "${words[@]}"
        assert_succeeds "$front_end" -t mangle -D OUTPUT -j CONNMARK "${words[@]}"
    done < <(spellings)
    assert_equal "rules left" "" "$(output_rules)"
}

for_each_front_end check
