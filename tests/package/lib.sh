#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by every test in this folder: builds from a copy of the sources in $scratch, a folder that is removed at the
# end, and assertions that end the test. deb_builds.sh leaves its packages in $CONNMARK_DEBS for the tests after it.

set -eEuo pipefail

PATH+=:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 022
# The tests' own.
unset DESTDIR XTABLES_LIBDIR CXXFLAGS CPPFLAGS LDFLAGS SOURCE_DATE_EPOCH

: "${CONNMARK_SOURCE:?must name the folder of the sources}"
: "${CONNMARK_DEBS:?must name the folder for Debian packages}"
source "$CONNMARK_SOURCE/tests/roots/lib.sh"

scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'printf "FAIL: %s: line %s: %s\n" "${0##*/}" "$LINENO" "$BASH_COMMAND"' ERR

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
    printf 'FAIL: %s\n' "$1"
    exit 1
}

assert_equal() { # WHAT EXPECTED GOT
    [[ $2 == "$3" ]] || fail "$(printf '%s\n  expected: %s\n       got: %s' "$1" "$2" "$3")"
}

assert_contains() { # WHAT EXPECTED GOT
    [[ $3 == *"$2"* ]] || fail "$(printf '%s\n  expected to contain: %s\n                  got: %s' "$1" "$2" "$3")"
}

assert_same_file() { # WHAT EXPECTED_FILE FILE
    cmp "$2" "$3" || fail "$1: $3 is not the same as $2"
}

# Runs COMMAND; its words are printed only if it fails.
quietly() { # COMMAND...
    "$@" >"$scratch/log" 2>&1 || fail "$(printf '%s: status %s\n%s' "$*" $? "$(tail -n 60 "$scratch/log")")"
}

# The sources as they are now, committed or not, in a git checkout with one commit whose date never changes.
make_checkout() { # FOLDER
    needs git
    local folder=$1
    mkdir -p "$folder"
    if git -c safe.directory='*' -C "$CONNMARK_SOURCE" rev-parse --git-dir >/dev/null 2>&1; then
        git -c safe.directory='*' -C "$CONNMARK_SOURCE" ls-files -z --cached --others --exclude-standard |
            while IFS= read -r -d '' file; do
                [[ ! -e $CONNMARK_SOURCE/$file ]] || printf '%s\0' "$file"
            done | tar -C "$CONNMARK_SOURCE" --null --files-from=- -cf - | tar -C "$folder" -xf -
    else
        tar -C "$CONNMARK_SOURCE" --exclude=./build -cf - . | tar -C "$folder" -xf -
    fi
    git -C "$folder" init --quiet
    git -C "$folder" add --all
    GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' git -C "$folder" -c user.name=test -c user.email=test@localhost \
        -c commit.gpgsign=false commit --quiet --date='2026-01-02T03:04:05Z' --message=test
}

# make_tarball CHECKOUT BUILD: what the target release_tarball writes to BUILD/release.
make_tarball() {
    quietly cmake -S "$1" -B "$2" -G Ninja -DBUILD_TESTING=OFF
    quietly cmake --build "$2" --target release_tarball
}

project_version() {
    sed -nE 's/^ *VERSION ([0-9.]+)$/\1/p' "$CONNMARK_SOURCE/CMakeLists.txt"
}

needs_real_root() {
    ((EUID == 0)) || skip "changing a Debian root takes real root"
}

# Makes $root, a Debian root of SUITE that may be changed.
copy_root() { # SUITE
    local original
    need_root original "$1"
    needs_real_root
    root=$scratch/root
    cp -a "$original" "$root"
}
