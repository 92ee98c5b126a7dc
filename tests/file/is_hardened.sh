#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The plugin runs as root on what users type and kernels hand back.
. "$(dirname "$0")/lib.sh"

needs readelf nm
segments=$(readelf -lW "$plugin")
dynamic=$(readelf -dW "$plugin")

[[ $segments == *GNU_RELRO* ]] || fail "tables of pointers stay writable: no GNU_RELRO segment"
grep -qE '\(FLAGS(_1)?\).*NOW' <<<"$dynamic" || fail "the table of library functions stays writable: no BIND_NOW"
stack=$(sed -nE 's/^ *GNU_STACK +(0x[0-9a-f]+ +){5}([RWE ]+) .*/\2/p' <<<"$segments")
assert_equal "access to the stack" "RW" "${stack// /}"
! grep -E '^ *LOAD .*RWE' <<<"$segments" || fail "a segment can be written and executed"
[[ $dynamic != *TEXTREL* ]] || fail "code is relocated at load time: TEXTREL"
grep -qx __stack_chk_fail <<<"$(imports)" || fail "no stack protector: __stack_chk_fail is not used"
