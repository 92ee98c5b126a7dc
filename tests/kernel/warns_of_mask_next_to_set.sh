#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mask option next to a set operation has the effect it has with the system's plugin, where its place decides;
# one line on stderr says so.

source "$(dirname "$0")/lib.sh"

makes_rule_with_warning() { # SAVED_OPTIONS OPTION...
    local saved=$1
    shift
    assert_status 0 add_rule "$@"
    assert_matches "stderr of $*" $'^CONNMARK: [^\n]+$' "$(<"$scratch/stderr")"
    assert_output_rules "rule made by $*" "-A OUTPUT -j CONNMARK $saved"
    "$front_end" -t mangle -F OUTPUT
    if [[ -e $stock_plugin ]]; then
        with_stock "$front_end" -t mangle -A OUTPUT -j CONNMARK "$@"
        assert_output_rules "rule made by stock from $*" "-A OUTPUT -j CONNMARK $saved"
        "$front_end" -t mangle -F OUTPUT
    fi
}

makes_rule_without_warning() { # OPTION...
    assert_status 0 add_rule "$@"
    assert_equal "stderr of $*" "" "$(<"$scratch/stderr")"
}

check() {
    makes_rule_with_warning '--set-xmark 0x1/0xff' --set-mark 1 --mask 0xff
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --mask 0xff --set-mark 1
    makes_rule_with_warning '--set-xmark 0x1/0xff' --set-mark 1 --ctmask 0xff
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --ctmask 0xff --set-mark 1
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --set-mark 1 --nfmask 0xff
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --nfmask 0xff --set-mark 1
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --set-mark 1 --mask 0xffffffff
    makes_rule_with_warning '--set-xmark 0x1/0xff --left-shift-mark 2' --set-mark 1/0xf --left-shift-mark 2 --mask 0xff
    makes_rule_with_warning '--set-xmark 0x1/0xff' --set-xmark 1/0xf --mask 0xff
    makes_rule_with_warning '--set-xmark 0x0/0xff' --and-mark 0xf --mask 0xff
    makes_rule_with_warning '--set-xmark 0xf/0xf' --mask 0xff --or-mark 0xf
    makes_rule_with_warning '--set-xmark 0xf/0xff' --or-mark 0xf --ctmask 0xff
    makes_rule_with_warning '--set-xmark 0xf/0xff' --xor-mark 0xf --nfmask 1 --ctmask 0xff
    makes_rule_with_warning '--set-xmark 0x1/0xff' --set-mark 1 --ctmask 0xff --nfmask 1
    makes_rule_with_warning '--set-xmark 0x1/0xffffffff' --nfmask 1 --ctmask 0xff --set-mark 1

    makes_rule_without_warning --set-mark 1/0xff
    makes_rule_without_warning --save-mark --mask 0xff
    makes_rule_without_warning --nfmask 0xff --ctmask 0xff --restore-mark
    makes_rule_without_warning --set-xmark 1 --left-shift-mark 2
}

for_each_front_end check
