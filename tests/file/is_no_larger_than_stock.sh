#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

needs readelf stat
stock=$CONNMARK_XTLIBDIR/libxt_CONNMARK.so
[[ ${CONNMARK_BUILD_TYPE:-} == Release ]] || skip "the size is that of a Release build"
not_sanitized
[[ -f $stock ]] || skip "iptables has no libxt_CONNMARK.so of its own in $CONNMARK_XTLIBDIR"
[[ $(machine "$plugin") == *X86-64* && $(machine "$stock") == *X86-64* ]] || skip "the limit is that of amd64"
ours=$(stat -c %s "$plugin")
theirs=$(stat -c %s "$stock")
printf 'ours: %s bytes, stock: %s bytes\n' "$ours" "$theirs"
((ours <= theirs)) || fail "the plugin is larger than the one it stands in for"
