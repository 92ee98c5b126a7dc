#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -S, -L and -save print every kind of rule byte for byte as the system's plugin does, whichever of the two made
# the rule: scripts parse these texts, and an upgrade meets the rules of the version before.

source "$(dirname "$0")/lib.sh"
[[ -e $stock_plugin ]] || skip "there is no $stock_plugin to compare with"

rules_file() {
    local operation shift
    echo '*mangle'
    for operation in "--set-xmark "{0,1,0xffffffff}{,/0,/1,/0xff,/0xffffffff} "--set-mark "{0,8}{,/0xf} \
        --{and,or,xor}"-mark "{0,5,0xffffffff} \
        --{save,restore}-mark{," --mask "{0,0xff}," --nfmask 1"," --ctmask 0xfe"," --nfmask 3 --ctmask 0"}; do
        for shift in "" "--left-shift-mark "{0,1,31} "--right-shift-mark "{0,31}; do
            echo "-A OUTPUT -j CONNMARK $operation $shift"
        done
    done
    echo COMMIT
}

print_rules() {
    "$front_end" -t mangle -S OUTPUT
    "$front_end" -t mangle -L OUTPUT -n -v
    saved_tables -t mangle
}

check() {
    local maker expected
    for maker in env with_stock; do
        rules_file | "$maker" "$front_end-restore"
        expected=$(with_stock print_rules)
        assert_matches "number of rules made" '^[1-9]..$' "$(output_rules | wc -l)"
        assert_equal "difference from stock in rules made by $maker" "" \
            "$(diff <(printf '%s\n' "$expected") <(print_rules) || true)"
    done
}

for_each_front_end check
