#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With indirect branch tracking, the processor stops a program that calls a function by its address unless the
# function begins with endbr64. Every callback is called so.
. "$(dirname "$0")/lib.sh"

needs readelf objdump
[[ ${CONNMARK_HAS_CF_PROTECTION:-1} == 1 ]] || skip "the compiler has no -fcf-protection"
[[ $(machine "$plugin") == *X86-64* ]] || skip "only read on amd64"
text=$(readelf -SW "$plugin" | sed -nE 's/.* \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) .*/\1 \2/p')
read -r start size <<<"$text"
code=$(objdump -dw --no-show-raw-insn "$plugin")
functions=0
while read -r address; do
    ((16#$address >= 16#$start && 16#$address < 16#$start + 16#$size)) || continue
    ((functions += 1))
    grep -qE "^ *$address:"$'\t'"endbr64" <<<"$code" || fail "the function at 0x$address has no endbr64"
done < <(readelf -rW "$plugin" | sed -nE 's/.*R_X86_64_RELATIVE +([0-9a-f]+)$/\1/p')
printf '%s functions are called by address\n' "$functions"
((functions >= 8)) || fail "fewer than the callbacks of one revision"
