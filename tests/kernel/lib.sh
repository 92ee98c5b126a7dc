#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by every test in this folder, each of which is a function and a last line
# `for_each_front_end FUNCTION`. Sourcing runs the script again in namespaces of its own, and
# for_each_front_end runs it once more per front end, each time in a fresh network namespace with lo up: the
# rules, packets and connections of a test are never the machine's or another test's.
#
# A test reads $front_end (iptables-nft, say), $loopback, $nft_family, $conntrack_family and $scratch, a folder
# that is removed at the end. A failed assertion is printed and makes the script exit with 1, but lets it go on.
#
# To run one by hand, as root or not:
#     CONNMARK_PLUGIN_DIR=build/release/xtables tests/kernel/operations_change_marks.sh

# shellcheck disable=SC2034 # the tests read what is set here

set -eEuo pipefail

PATH+=:/usr/sbin:/sbin
export PATH LC_ALL=C

: "${CONNMARK_PLUGIN_DIR:?must name the folder of the libxt_CONNMARK.so to test}"
: "${CONNMARK_XTLIBDIR:=$(pkg-config --variable=xtlibdir xtables || true)}"
: "${CONNMARK_XTLIBDIR:?must name the folder of the plugins of iptables itself}"
if [[ ! -e $CONNMARK_PLUGIN_DIR/libxt_CONNMARK.so ]]; then
    printf 'FAIL: there is no %s/libxt_CONNMARK.so to test\n' "$CONNMARK_PLUGIN_DIR"
    exit 1
fi
export CONNMARK_PLUGIN_DIR CONNMARK_XTLIBDIR
stock_plugin="$CONNMARK_XTLIBDIR/libxt_CONNMARK.so"

skip() { # REASON
    printf 'SKIP: %s\n' "$1"
    exit 77
}

needs() { # PROGRAM...
    local program
    for program; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

fail() { # TEXT
    printf 'FAIL: %s: %s\n' "${front_end:-lib.sh}" "$1"
    : >"$scratch/failed"
}

[[ ${CONNMARK_PLUGIN_HAS_SANITIZERS:-0} == 0 ]] || skip "iptables cannot load a plugin with sanitizers"

enter_private_namespaces() {
    needs unshare ip
    local options reason reasons=
    for options in -rn -n; do
        if reason=$(unshare "$options" ip link set lo up 2>&1); then
            CONNMARK_PRIVATE=1 exec unshare "$options" bash "$0"
        fi
        reasons+="${reasons:+; }unshare $options: $(tail -n 1 <<<"$reason")"
    done
    skip "this machine allows no private network namespaces ($reasons)"
}

[[ -n ${CONNMARK_PRIVATE:-} ]] || enter_private_namespaces

if [[ -z ${front_end:-} ]]; then
    scratch=$(mktemp -d)
    export scratch
    export XTABLES_LOCKFILE="$scratch/lock"
    trap 'rm -rf "$scratch"' EXIT
else
    trap 'if [[ -e $scratch/failed ]]; then exit 1; fi' EXIT
    trap 'fail "line $LINENO: \"$BASH_COMMAND\" failed"' ERR
    ip link set lo up
    if [[ $front_end == ip6* ]]; then
        loopback=::1 nft_family=ip6 conntrack_family=ipv6
    else
        loopback=127.0.0.1 nft_family=ip conntrack_family=ipv4
    fi
fi
export XTABLES_LIBDIR="$CONNMARK_PLUGIN_DIR:$CONNMARK_XTLIBDIR"

# Runs FUNCTION for each front end, by default all four. One that is not installed, or whose tables or CONNMARK
# target this kernel lacks, is left out aloud; when none is left, the test is skipped.
for_each_front_end() { # FUNCTION [FRONT_END...]
    local function=$1 name tested=0 failures=0
    shift
    if [[ -n ${front_end:-} ]]; then
        "$function"
        return
    fi
    [[ $# -gt 0 ]] || set -- iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft
    for name; do
        if ! works_with_stock "$name"; then
            printf 'note: left out %s: %s\n' "$name" "$(head -n 1 "$scratch/stderr")"
            continue
        fi
        tested=1
        rm -f "$scratch/failed"
        front_end=$name unshare -n bash "$0" || failures=1
    done
    [[ $tested -eq 1 ]] || skip "no front end works here"
    return "$failures"
}

works_with_stock() { # FRONT_END
    XTABLES_LIBDIR=$CONNMARK_XTLIBDIR unshare -n "$1" -t mangle -A OUTPUT -j CONNMARK --set-mark 1 \
        2>"$scratch/stderr"
}

# with_stock COMMAND...: the command with the system's plugin in place of the one under test.
with_stock() {
    XTABLES_LIBDIR=$CONNMARK_XTLIBDIR "$@"
}

# -- packets ---------------------------------------------------------------------------------------------------

# One UDP datagram to a closed port of this namespace. It walks OUTPUT, POSTROUTING, PREROUTING and INPUT; then an
# ICMP error of the same connection does, unless silence_answers was called.
send_packet() { # PORT
    printf x >"/dev/udp/$loopback/$1"
}

silence_answers() {
    "$front_end" -t mangle -P INPUT DROP
}

# Every UDP connection, a line each: its destination port and its mark.
connection_marks() {
    conntrack -L -f "$conntrack_family" -p udp 2>/dev/null |
        sed -nE 's/.*udp [^[]*dport=([0-9]+) \[.* mark=([0-9]+) .*/\1 \2/p'
}

# The mark of the connection to PORT, in hexadecimal.
connection_mark() { # PORT
    local port mark
    while read -r port mark; do
        if [[ $port == "$1" ]]; then
            printf '%#x\n' "$mark"
            return
        fi
    done < <(connection_marks)
    printf 'no connection\n'
}

# -- rules -----------------------------------------------------------------------------------------------------

add_rule() { # OPTION...
    "$front_end" -t mangle -A OUTPUT -j CONNMARK "$@"
}

# The rules in mangle/OUTPUT as the front end prints them.
output_rules() {
    "$front_end" -t mangle -S OUTPUT | sed 1d
}

# ip6tables-legacy 1.8.9 takes any rule with the same target for the one it was asked about, whatever its options.
compares_options() {
    local result=0
    "$front_end" -t mangle -A FORWARD -j MARK --set-mark 1
    "$front_end" -t mangle -C FORWARD -j MARK --set-mark 2 2>/dev/null || result=$?
    "$front_end" -t mangle -F FORWARD
    [[ $result -ne 0 ]]
}

# What -save prints with these options, without the comments that hold the time.
saved_tables() { # OPTION...
    "$front_end-save" "$@" | grep -v '^#' || true
}

# -- assertions ------------------------------------------------------------------------------------------------

assert_equal() { # WHAT EXPECTED GOT
    [[ $2 == "$3" ]] || fail "$(printf '%s\n  expected: %s\n       got: %s' "$1" "$2" "$3")"
}

assert_contains() { # WHAT EXPECTED GOT
    [[ $3 == *"$2"* ]] || fail "$(printf '%s\n  expected to contain: %s\n                  got: %s' "$1" "$2" "$3")"
}

assert_matches() { # WHAT REGULAR_EXPRESSION GOT
    [[ $3 =~ $2 ]] || fail "$(printf '%s\n  expected to match: %s\n                got: %s' "$1" "$2" "$3")"
}

assert_output_rules() { # WHAT RULE...
    local what=$1
    shift
    assert_equal "$what" "$(printf '%s\n' "$@")" "$(output_rules)"
}

assert_succeeds() { # COMMAND...
    "$@" >"$scratch/stdout" 2>"$scratch/stderr" ||
        fail "$(printf '%s\n  expected: status 0\n       got: status %s, %s' "$*" $? "$(<"$scratch/stderr")")"
}

# assert_status STATUS COMMAND...: stderr is left in $scratch/stderr.
assert_status() {
    local expected=$1 status=0
    shift
    "$@" >"$scratch/stdout" 2>"$scratch/stderr" || status=$?
    assert_equal "status of: $*" "$expected" "$status"
}
