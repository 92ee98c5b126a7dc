#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the project for 32 bits in an i386 root, and runs its tests there, on this 64-bit kernel.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../roots/lib.sh"

root=''
need_root root --build bookworm i386
# shellcheck disable=SC2016 # expanded in the root
# Parts that this root has no programs for, or that are about the machine outside, stay outside.
source_stream |
    in_root "$root" bash -e -c '
        mkdir /tmp/source && tar -x -C /tmp/source && cd /tmp/source
        cmake -S . -B /tmp/build -G Ninja -DCMAKE_BUILD_TYPE=Release
        cmake --build /tmp/build
        readelf -h /tmp/build/xtables/libxt_CONNMARK.so | grep -E "Class|Machine"
        ctest --test-dir /tmp/build --output-on-failure --parallel "$(nproc)" --no-tests=error \
            -L "^(unit|kernel|contract|differential|semantics|round_trip|hostile|manual)$"'
