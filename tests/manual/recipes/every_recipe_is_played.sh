#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No recipe of the README and no example of the manual is without a test in this folder that plays it.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"

check() {
    local number word found=0
    for number in {1..9}; do
        [[ -n $(readme_recipe "$number") ]] || continue
        ((++found))
        grep -q -e "readme_recipe $number" "$(dirname "$0")"/*.sh || fail "no test plays recipe $number"
    done
    assert_equal "recipes in the README" 5 "$found"
    while read -r word; do
        grep -q -e "manual_example $word" "$(dirname "$0")"/*.sh || fail "no test plays the manual's example \"$word ...\""
    done < <(manual_text | sed -n '/^\.SH EXAMPLES/,/^\.SH NFTABLES/s/^\.SS \([^ ]*\).*/\1/p')
}

for_each_front_end check iptables-legacy
