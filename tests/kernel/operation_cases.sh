#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests that put every operation with every kind of shift before a real packet. Fills `cases`
# with lines "OPTIONS|CT|NF": the options of a rule, and the marks of connection and packet after it, when they
# were $connection_mark_before and $packet_mark_before. The marks are worked out here from the manual's words
# alone; nothing of the plugin's own arithmetic is used.

# Bits at both ends, and no two bytes alike: a shift or mask that is off by one cannot go unseen.
# shellcheck disable=SC2034 # the tests read them
connection_mark_before=0x9c6b5a3f packet_mark_before=0xa5c3e187
cases=()

add_case() { # OPTIONS CT NF
    cases+=("$1|$(printf '%#x|%#x' "$2" "$3")")
}

add_operation_cases() {
    local ct=$((connection_mark_before)) nf=$((packet_mark_before)) all=$((0xffffffff))
    local value=0x1234d678 mask=0x0ff0ffc3 other=0xf0f00ff1 shift left right

    for shift in "" {--left-shift-mark,--right-shift-mark}" "{0,1,4,31}; do
        left=0 right=0
        case $shift in
        *left*) left=${shift##* } ;;
        *right*) right=${shift##* } ;;
        esac
        shifted() { printf '%d' $((($1 & all) << left >> right & all)); }

        add_case "--set-xmark $value $shift" "$(shifted $((value)))" $nf
        add_case "--set-xmark $value/$mask $shift" "$(shifted $(((ct & ~mask) ^ value)))" $nf
        add_case "--set-mark $value $shift" "$(shifted $((value)))" $nf
        add_case "--set-mark $value/$mask $shift" "$(shifted $(((ct & ~mask) | value)))" $nf
        add_case "--and-mark $mask $shift" "$(shifted $((ct & mask)))" $nf
        add_case "--or-mark $value $shift" "$(shifted $((ct | value)))" $nf
        add_case "--xor-mark $value $shift" "$(shifted $((ct ^ value)))" $nf

        add_save_and_restore_cases "" $all $all
        add_save_and_restore_cases "--nfmask $mask" $all $mask
        add_save_and_restore_cases "--ctmask $mask" $mask $all
        add_save_and_restore_cases "--nfmask $mask --ctmask $other" $other $mask
        add_save_and_restore_cases "--mask $mask" $mask $mask
    done
}

# Runs inside add_operation_cases, whose ct, nf and shift it reads.
add_save_and_restore_cases() { # MASK_OPTIONS CTMASK NFMASK
    local ctmask=$2 nfmask=$3
    add_case "--save-mark $1 $shift" $(((ct & ~ctmask) ^ $(shifted $((nf & nfmask))))) $nf
    add_case "--restore-mark $1 $shift" $ct $(((nf & ~nfmask) ^ $(shifted $((ct & ctmask)))))
}

add_operation_cases
