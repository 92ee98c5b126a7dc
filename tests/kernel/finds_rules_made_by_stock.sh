#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After the plugin is put in the place of the system's, -C and -D find the rules made before; and the other way
# round.

source "$(dirname "$0")/lib.sh"
[[ -e $stock_plugin ]] || skip "there is no $stock_plugin to compare with"

operations() {
    cat <<-EOF
	--set-xmark 1
	--set-xmark 1/0xff
	--set-mark 1
	--set-mark 1/0xff
	--and-mark 0xf
	--or-mark 0xf
	--xor-mark 0xf
	--save-mark
	--save-mark --mask 0xff
	--save-mark --nfmask 1 --ctmask 2
	--restore-mark
	--restore-mark --mask 0xff
	--restore-mark --nfmask 1 --ctmask 2
	EOF
}

rules_file() { # COMMAND
    local options shift
    echo '*mangle'
    while read -r options; do
        for shift in "" "--left-shift-mark 3" "--right-shift-mark 3"; do
            echo "$1 OUTPUT -j CONNMARK $options $shift"
        done
    done < <(operations)
    echo COMMIT
}

delete_rules_with() { # env|with_stock
    assert_succeeds "$1" "$front_end" -t mangle -C OUTPUT -j CONNMARK --restore-mark --nfmask 1 --ctmask 2
    assert_succeeds "$1" "$front_end-restore" --noflush < <(rules_file -D)
    assert_equal "rules left by $1" "" "$(output_rules)"
}

check() {
    rules_file -A | with_stock "$front_end-restore"
    delete_rules_with env
    rules_file -A | "$front_end-restore"
    delete_rules_with with_stock
}

for_each_front_end check
