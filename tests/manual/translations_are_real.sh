#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The nft statements in the manual are what iptables-translate writes.

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"

check() {
    local options expected rows=0
    while IFS='|' read -r options expected; do
        ((++rows))
        # shellcheck disable=SC2086 # options, to be split
        assert_equal "translation of $options" \
            "nft 'add rule ip mangle OUTPUT counter $expected'" \
            "$(iptables-translate -t mangle -A OUTPUT -j CONNMARK $options)"
    done < <(manual_examples | sed -E -e '/^--/!d' -e '/  /!N' -e 's/\n? {2,}/|/')
    assert_equal "rows in the manual" 7 "$rows"
}

for_each_front_end check iptables-nft
