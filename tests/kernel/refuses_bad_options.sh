#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A bad command line exits with 2, says which option and value are at fault, and changes no rule; nor does a file
# for -restore that has it after a good line.

source "$(dirname "$0")/lib.sh"

refuses() { # REGULAR_EXPRESSION OPTION...
    local complaint=$1 rules_after
    shift
    assert_status 2 add_rule "$@"
    assert_matches "stderr of $*" "$complaint" "$(<"$scratch/stderr")"
    assert_status 2 "$front_end-restore" < <(
        printf '*mangle\n-A OUTPUT -j MARK --set-mark 9\n-A OUTPUT -j CONNMARK'
        printf ' "%s"' "$@"
        printf '\nCOMMIT\n'
    )
    rules_after=$(saved_tables -t mangle)
    assert_equal "rules after $*" "$rules_before" "$rules_after"
    rules_before=$rules_after
}

# The value of OPTION is at fault, and both are named.
refuses_value() { # OPTION VALUE [OTHER_OPTION...]
    refuses "CONNMARK: $1: \"$2\"" "$1" "$2" "${@:3}"
}

check() {
    local value option
    "$front_end" -t mangle -A OUTPUT -j CONNMARK --set-mark 1
    "$front_end" -t mangle -A INPUT -m mark --mark 1 -j ACCEPT
    rules_before=$(saved_tables -t mangle)

    refuses 'CONNMARK: .*operation'
    refuses 'CONNMARK: .*operation' --left-shift-mark 1
    refuses 'CONNMARK: .*operation' --mask 1

    refuses 'CONNMARK: .*--set-mark.*--or-mark|--or-mark.*--set-mark' --set-mark 1 --or-mark 2
    refuses 'CONNMARK: .*--save-mark.*--restore-mark|--restore-mark.*--save-mark' --save-mark --restore-mark
    refuses 'CONNMARK: .*--set-mark.*once' --set-mark 1 --set-mark 1
    refuses 'CONNMARK: .*--save-mark.*once' --save-mark --save-mark
    refuses 'CONNMARK: .*--nfmask.*once' --save-mark --nfmask 1 --nfmask 1
    refuses 'CONNMARK: .*--left-shift-mark.*once' --save-mark --left-shift-mark 1 --left-shift-mark 1
    refuses 'CONNMARK: .*--left-shift-mark.*--right-shift-mark|--right-shift-mark.*--left-shift-mark' \
        --set-mark 1 --left-shift-mark 1 --right-shift-mark 1
    for option in --nfmask --ctmask; do
        refuses "CONNMARK: .*--mask.*$option|$option.*--mask" --save-mark --mask 1 "$option" 2
        refuses "CONNMARK: .*--mask.*$option|$option.*--mask" --restore-mark "$option" 2 --mask 1
    done

    refuses 'CONNMARK: --set-mark: "!"' ! --set-mark 1
    refuses 'CONNMARK: --save-mark: "!"' ! --save-mark
    refuses 'CONNMARK: --nfmask: "!"' --save-mark ! --nfmask 1
    refuses 'CONNMARK: --left-shift-mark: "!"' --save-mark ! --left-shift-mark 1

    for option in --left-shift-mark --right-shift-mark; do
        for value in 32 33 300 4294967296; do
            refuses "CONNMARK: $option: \"$value\" is out of range, give 0 to 31" --set-mark 1 "$option" "$value"
        done
        for value in '' x -1 1x 08; do
            refuses_value "$option" "$value" --set-mark 1
        done
    done
    for value in '' x 1x -1 4294967296 1/ /1 / 1/2/3 08 1/x 1/-1 1/4294967296 '1 ' 0x; do
        refuses_value --set-mark "$value"
    done
    for value in '' x -1 4294967296 1/ 1/2/3; do
        refuses_value --set-xmark "$value"
    done
    for value in '' x 1x -1 4294967296 1/2 08; do
        refuses_value --or-mark "$value"
    done
    for option in --and-mark --xor-mark; do
        refuses_value "$option" 1/2
    done
    for option in --mask --nfmask --ctmask; do
        for value in '' x -1 4294967296 1/2; do
            refuses_value "$option" "$value" --save-mark
        done
    done

    # These iptables itself refuses.
    refuses '--set-mark.*requires an argument' --set-mark
    refuses '--nfmask.*requires an argument' --save-mark --nfmask
    refuses 'unknown option.*--bogus' --set-mark 1 --bogus
    refuses 'unknown option.*--s"|ambiguous' --s 1
    refuses 'unknown option' --save-mark=5
    refuses "Bad argument .*5" --save-mark 5
    refuses "Bad argument .*2" --set-mark 1 2
}

for_each_front_end check
