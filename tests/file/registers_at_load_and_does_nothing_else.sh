#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loader calls what .init_array lists: our init, and the start-up file's frame_dummy. A third entry would be a
# dynamic initialiser, a price that each call of iptables pays.
. "$(dirname "$0")/lib.sh"

needs readelf nm
not_sanitized
[[ $(machine "$plugin") == *X86-64* ]] || skip "only read on amd64"
section=$(readelf -SW "$plugin" | sed -nE 's/.* \.init_array +INIT_ARRAY +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) .*/\1 \2/p')
read -r start size <<<"$section"
init=$(nm -D --defined-only "$plugin" | sed -nE 's/^0*([0-9a-f]+) T libxt_CONNMARK_init$/\1/p')
ours=0 others=0
while read -r offset address; do
    ((16#$offset >= 16#$start && 16#$offset < 16#$start + 16#$size)) || continue
    if [[ $address == "$init" ]]; then ((ours += 1)); else ((others += 1)); fi
done < <(readelf -rW "$plugin" |
    sed -nE 's/^0*([0-9a-f]+) .*R_X86_64_(RELATIVE|64) +(.*libxt_CONNMARK_init.*|[0-9a-f]+)$/\1 \3/p' |
    sed -E "s/ .*libxt_CONNMARK_init.*/ $init/")
assert_equal "entries of .init_array that are libxt_CONNMARK_init" 1 "$ours"
((others <= 1)) || fail "$others other functions run when the plugin is loaded"
