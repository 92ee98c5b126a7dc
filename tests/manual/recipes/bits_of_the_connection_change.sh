#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README's fourth recipe and the manual's shared bits: the bits named change, for connections to this machine and through
# it, and no others.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/network.sh"

# In the router and in the server.
take_connections() {
    local port name
    for port in 25 26 27; do
        for name in router server; do
            exec_in_ns "$name" "${at_most[@]}" ncat --listen --keep-open --exec /bin/true "$port" &
        done
    done
    await "those who take connections" both_listen
}

both_listen() {
    local name
    for name in router server; do
        [[ $(in_ns "$name" ss --no-header --listening --tcp "-$family" 'sport >= :25' | wc -l) == 3 ]] || return
    done
}

# assert_marks WHAT BEFORE PORT AFTER: a connection to that port with the mark BEFORE has the mark AFTER.
assert_marks() {
    local to
    "$front_end" -t mangle -I PREROUTING -m conntrack --ctstate NEW -j CONNMARK --set-mark "$2"
    for to in wan2 server; do
        conntrack -F 2>/dev/null
        # shellcheck disable=SC2016 # expanded by the inner shell
        in_ns client timeout 2 bash -c 'cat <"/dev/tcp/$1/$2"' connect "$(address "$to")" "$3" 2>/dev/null || true
        assert_equal "$1: mark of a connection to $to, port $3" "$4" "$(connection_mark_to "$to" tcp "$3")"
    done
    "$front_end" -t mangle -D PREROUTING 1
}

# Answers to port 25 with the mark 0x40000/0xff0000, and all of them.
count_answers() {
    local all=(POSTROUTING -p tcp --sport 25)
    "$front_end" -t mangle -A "${all[@]}" -m mark --mark 0x40000/0xff0000 -m comment --comment marked
    "$front_end" -t mangle -A "${all[@]}" -m comment --comment all
}

counted() { # COMMENT
    "$front_end-save" -c -t mangle | sed -nE "s/^\[([0-9]+):.*--comment $1( .*|$)/\1/p"
}

check() {
    build_network
    take_connections
    ip "-$family" route replace default via "$(address isp2)"

    assert_marks "without a recipe" 0xa000100 25 0xa000100
    assert_marks "without a recipe" 0xa000110 26 0xa000110
    readme_recipe 4 | play
    assert_marks "recipe" 0xa000100 25 0xa000110
    assert_marks "recipe" 0xa000110 26 0xa000100
    assert_marks "recipe" 0xa000100 27 0xa000100
    start_afresh

    count_answers
    assert_marks "without the example" 0xa990010 25 0xa990010
    assert_matches "answers without the example" '^[1-9]' "$(counted all)"
    assert_equal "answers with the mark, without the example" 0 "$(counted marked)"
    start_afresh
    manual_example Sharing | play
    count_answers
    assert_marks "example" 0xa990010 25 0xa040010
    assert_marks "example" 0xa990010 26 0xa000010
    assert_matches "answers" '^[1-9]' "$(counted all)"
    assert_equal "answers with the mark" "$(counted all)" "$(counted marked)"
}

for_each_front_end check
