#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Under valgrind, the programs with the plugin make no memory error and lose no more bytes than the same command
# loses with "-j ACCEPT", which needs no plugin.

source "$(dirname "$0")/../kernel/lib.sh"
needs valgrind

suppressions=$(dirname "$0")/programs.supp

operations=(
    'CONNMARK --xor-mark 0xf0 --left-shift-mark 4'
    'CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00'
    'CONNMARK --restore-mark --mask 0xff --right-shift-mark 31'
    'CONNMARK --set-mark 1 --mask 0xff'
)

# Prints how many bytes the command loses; its input is that of this function. An error of memory, or another exit
# status than expected, is a failure.
lost_bytes() { # STATUS COMMAND...
    local expected=$1 status=0
    shift
    valgrind --leak-check=full --errors-for-leak-kinds=none --error-exitcode=99 \
        --suppressions="$suppressions" --log-file="$scratch/valgrind" "$@" >"$scratch/stdout" 2>"$scratch/stderr" || status=$?
    [[ $status -eq $expected ]] || fail "$(
        printf 'status %s, not %s: %s\n' "$status" "$expected" "$*"
        cat "$scratch/stderr" "$scratch/valgrind"
    )" >&2
    sed -nE 's/.* (definitely|indirectly|possibly) lost: ([0-9,]+) bytes.*/\2/p' "$scratch/valgrind" |
        tr -d , | awk '{ sum += $1 } END { print sum + 0 }'
}

assert_loses_no_more() { # WHAT ALLOWED LOST
    [[ $3 -le $2 ]] || fail "$(printf '%s loses %s bytes, with ACCEPT %s\n%s' "$1" "$3" "$2" "$(<"$scratch/valgrind")")"
}

translates() {
    [[ $front_end == *-nft ]] && command -v "${front_end%-nft}-translate" >/dev/null
}

fill_table() { # TARGET_WITH_OPTIONS...
    local target
    "$front_end" -t mangle -F
    for target; do
        # shellcheck disable=SC2086
        "$front_end" -t mangle -A OUTPUT -j $target 2>/dev/null
    done
    "$front_end-save" -t mangle >"$scratch/dump"
}

# Adds, finds and deletes a rule, or translates it.
check_command_with_target() { # COMMAND...
    local allowed operation
    fill_table ACCEPT
    allowed=$(lost_bytes 0 "$@" ACCEPT)
    for operation in "${operations[@]}"; do
        fill_table "$operation"
        # shellcheck disable=SC2086
        assert_loses_no_more "$* $operation" "$allowed" "$(lost_bytes 0 "$@" $operation)"
    done
}

# Shows a table, or reads a dump of one.
check_command_with_table() { # COMMAND...
    local allowed
    fill_table "${operations[@]/*/ACCEPT}"
    allowed=$(lost_bytes 0 "$@" <"$scratch/dump")
    fill_table "${operations[@]}"
    assert_loses_no_more "$*" "$allowed" "$(lost_bytes 0 "$@" <"$scratch/dump")"
}

check() {
    check_command_with_target "$front_end" -t mangle -A OUTPUT -j
    check_command_with_target "$front_end" -t mangle -D OUTPUT -j
    check_command_with_table "$front_end" -t mangle -S
    check_command_with_table "$front_end" -t mangle -v -n -L
    check_command_with_table "$front_end-save" -c
    check_command_with_table "$front_end-restore"
    if translates; then
        check_command_with_target "${front_end%-nft}-translate" -A OUTPUT -j
        check_command_with_table "${front_end%-nft}-restore-translate" -f "$scratch/dump"
        if command -v nft >/dev/null; then check_command_with_table nft list ruleset; fi
    fi

    # A refusal ends the program where it stands: only errors count.
    lost_bytes 2 "$front_end" -t mangle -A OUTPUT -j CONNMARK --set-mark nonsense >/dev/null
    lost_bytes 2 "$front_end" -t mangle -A OUTPUT -j CONNMARK --save-mark --right-shift-mark 32 >/dev/null
}

# The plugin is the same for both families.
for_each_front_end check iptables-legacy iptables-nft
