#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by tests that run something in another release of Debian.

roots=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# need_root VARIABLE [--build] SUITE [ARCH]: puts make-root's answer into VARIABLE, or ends the test, as skipped where
# this machine can make no root.
need_root() {
    local path status=0
    path=$("$roots/make-root" "${@:2}") || status=$?
    if [[ $status -ne 0 ]]; then
        printf '%s\n' "$path"
        exit "$status"
    fi
    printf -v "$1" %s "$path"
}

# This project as a tar stream, without what has been built: a root's /tmp is empty and does not outlive a command.
source_stream() {
    tar -C "$roots/../.." --exclude=./build --exclude=./.git -c .
}

in_root() { # [--plugin FOLDER] ROOT COMMAND...
    "$roots/in-root" "$@"
}

# The same with a network of its own.
in_root_network() { # [--plugin FOLDER] ROOT COMMAND...
    unshare -n "$roots/in-root" "$@"
}
