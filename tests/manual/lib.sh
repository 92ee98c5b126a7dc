#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests in this folder, behind tests/kernel/lib.sh: what the manual and the README say.

# shellcheck disable=SC2154 # tests/kernel/lib.sh sets front_end and scratch

: "${CONNMARK_MANUAL:?must name the manual page to test}"
: "${CONNMARK_README:?must name the README.md to test}"

# The source of the manual page as plain text: no comments, escapes or font changes.
manual_text() {
    sed -e '/^[.'\'']\\"/d' -e 's/\\f[BIPR]//g' -e 's/\\-/-/g' -e 's/\\e/\\/g' "$CONNMARK_MANUAL"
}

# The example lines of the manual.
manual_examples() {
    manual_text | sed -n '/^\.EX/,/^\.EE/{/^\./!p}'
}

# The commands of all of the README's recipes, a line each.
readme_examples() {
    local number
    for number in 1 2 3 4 5; do readme_recipe "$number"; done
}

# readme_recipe NUMBER [BLOCK]: the commands of one recipe, or of one block of it, a line each.
readme_recipe() {
    # shellcheck disable=SC2016 # no expansion is wanted
    sed -n '/^## For someone with/,/^## For someone whose/p' "$CONNMARK_README" |
        awk -v number="$1" -v block="${2:-0}" '
            /^[0-9]+\. / { recipe = $1 + 0; blocks = 0 }
            /^ *```$/ { inside = 0 }
            inside && recipe == number && (block == 0 || blocks == block) { sub(/^   /, ""); print }
            /^ *```sh$/ { inside = 1; ++blocks }' |
        join_lines
}

# manual_example WORD: the commands of the example whose heading begins with this word, a line each.
manual_example() {
    manual_text | sed -n "/^\.SS $1/,/^\.S[SH]/p" | sed -n '/^\.EX/,/^\.EE/{/^\./!p}' | join_lines
}

# Joins lines that end in a backslash.
join_lines() {
    sed -e ':join' -e '/\\$/{N;s/ *\\\n */ /;b join' -e '}'
}

set_family() {
    family=4
    [[ $front_end == iptables* ]] || family=6
}

# play [PART...]: runs the commands on stdin word for word, but for the family of this turn; those that contain a PART
# are left out.
play() {
    local line part played=0
    while IFS= read -r line; do
        for part; do [[ $line != *"$part"* ]] || continue 2; done
        [[ $family == 4 ]] || line=${line//198.51.100.1 /2001:db8:2::1 }
        eval "play_$line" 2>"$scratch/stderr" || fail "$line: $(<"$scratch/stderr")"
        ((++played))
    done
    [[ $played -gt 0 ]] || fail "there is nothing to play"
}

# The documentation's words, run with the front end of this turn.
play_iptables() { "$front_end" "$@"; }
play_ip() { ip "-$family" "$@"; }
play_sysctl() {
    local setting=${*: -1}
    printf '%s\n' "${setting#*=}" >"/proc/sys/$(tr . / <<<"${setting%%=*}")"
}

# Forgets what was played so far, and all connections.
start_afresh() {
    "$front_end" -t mangle -F
    ip "-$family" route flush table 102 2>/dev/null || true
    ip "-$family" route flush table 51820 2>/dev/null || true
    local preference
    for preference in 100 102 103 104; do ip "-$family" rule del pref "$preference" 2>/dev/null || true; done
    conntrack -F 2>/dev/null || true
}
