#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A build made on the newer release runs on the older one, although its compiler and libc are newer.

set -euo pipefail
here=$(dirname "$0")
source "$here/../roots/lib.sh"

new='' old=''
need_root new --build trixie
need_root old bookworm
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source_stream |
    in_root "$new" bash -e -c '
        mkdir /tmp/source && tar -x -C /tmp/source
        cmake -S /tmp/source -B /tmp/build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF >&2
        cmake --build /tmp/build --target xt_CONNMARK >&2
        cat /tmp/build/xtables/libxt_CONNMARK.so' >"$folder/libxt_CONNMARK.so"
in_root_network --plugin "$folder" "$old" bash -s <"$here/use_every_option.sh"
