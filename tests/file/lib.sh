#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests in this folder. They read $plugin, the file under test; to run one by hand:
# CONNMARK_PLUGIN=build/release/xtables/libxt_CONNMARK.so tests/file/is_hardened.sh

set -euo pipefail

PATH+=:/usr/sbin:/sbin
export PATH LC_ALL=C

plugin=${CONNMARK_PLUGIN:?must name the libxt_CONNMARK.so to test}
: "${CONNMARK_XTLIBDIR:=$(pkg-config --variable=xtlibdir xtables)}"
export checkout
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

skip() { # REASON
    printf 'SKIP: %s\n' "$1"
    exit 77
}

fail() { # TEXT
    printf 'FAIL: %s\n' "$1"
    exit 1
}

needs() { # PROGRAM...
    local program
    for program; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

not_sanitized() {
    [[ ${CONNMARK_HAS_SANITIZERS:-0} != 1 ]] || skip "a build with sanitizers needs their libraries"
}

assert_equal() { # WHAT EXPECTED GOT
    [[ $2 == "$3" ]] || fail "$(printf '%s\n  expected: %s\n       got: %s' "$1" "$2" "$3")"
}

# The names that the plugin takes from libraries, without those that may be missing (weak).
imports() {
    nm -D --undefined-only "$plugin" | sed -nE 's/^ *U ([^@]*).*/\1/p'
}

machine() { # FILE
    readelf -hW "$1" | sed -n 's/^ *Machine: *//p'
}

# A Release build with this build's compiler.
configure() { # SOURCE BUILD [OPTION...]
    logged cmake -S "$1" -B "$2" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CXX_COMPILER="${CONNMARK_CXX:-c++}" "${@:3}"
}

# Runs COMMAND, of which only a failure is worth reading.
logged() { # COMMAND...
    if ! "$@" >"$scratch/log" 2>&1; then
        cat "$scratch/log"
        fail "$*"
    fi
}

make_scratch() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
}
