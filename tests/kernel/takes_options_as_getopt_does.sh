#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Unambiguous prefixes of option names, --option=value, any order, and numbers in every base.

source "$(dirname "$0")/lib.sh"

makes_rule() { # SAVED_OPTIONS OPTION...
    local saved=$1
    shift
    assert_status 0 "$front_end" -t mangle -R OUTPUT 1 -j CONNMARK "$@"
    assert_equal "stderr of $*" "" "$(<"$scratch/stderr")"
    assert_output_rules "rule made by $*" "-A OUTPUT -j CONNMARK $saved"
}

check() {
    local word all=0xffffffff
    add_rule --set-mark 0

    makes_rule '--set-xmark 0x1/0x3' --set-x 1/3
    makes_rule '--set-xmark 0x1/0x3' --set-m 1/2
    makes_rule '--set-xmark 0x0/0xfffffffe' --and 1
    makes_rule '--set-xmark 0x1/0x1' --or 1
    makes_rule '--set-xmark 0x1/0x0' --xor 1
    makes_rule '--save-mark --nfmask 0x1 --ctmask 0x2' --save --nf 1 --ct 2
    makes_rule '--restore-mark --nfmask 0x1 --ctmask 0x1 --left-shift-mark 2' --rest --mas 1 --left 2
    makes_rule '--save-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 2' --sav --ri 2

    makes_rule '--set-xmark 0x1/0xf' --set-xmark=1/0xf
    makes_rule '--save-mark --nfmask 0x1 --ctmask 0x2 --left-shift-mark 3' --save-mark --nfmask=1 --ctmask=2 --left=3

    makes_rule '--save-mark --nfmask 0x1 --ctmask 0x2 --left-shift-mark 3' \
        --left-shift-mark 3 --ctmask 2 --save-mark --nfmask 1
    makes_rule '--restore-mark --nfmask 0xf --ctmask 0xf' --mask 0xf --restore-mark
    makes_rule '--set-xmark 0x1/0xffffffff --right-shift-mark 3' --right-shift-mark 3 --set-mark 1

    for word in 16 0x10 0X10 020 ' 16' $'\t16' +16 +0x10; do
        makes_rule "--set-xmark 0x10/$all" --set-mark "$word"
        makes_rule "--set-xmark 0x10/$all" --set-xmark "$word"
        makes_rule "--set-xmark 0x10/0x10" --set-mark "$word/$word"
        makes_rule "--set-xmark 0x10/0x0" --xor-mark "$word"
        makes_rule "--save-mark --nfmask 0x10 --ctmask 0x10 --left-shift-mark 16" \
            --save-mark --mask "$word" --left-shift-mark "$word"
    done
    makes_rule "--set-xmark $all/$all" --set-mark 4294967295
    makes_rule "--set-xmark $all/$all" --set-mark 037777777777/0xFFFFFFFF
    makes_rule "--set-xmark 0x0/0x0" --set-xmark 0/0
}

for_each_front_end check
