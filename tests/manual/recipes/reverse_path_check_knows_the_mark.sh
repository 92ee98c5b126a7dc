#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README's third recipe: a strict reverse path check on wan2 lets questions in, either by their mark or made loose, each
# where the recipe says so; and what it warns of is true.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/network.sh"

set_to() { # VALUE SETTING
    echo "$1" >"/proc/sys/net/ipv4/conf/$2"
}

assert_both() { # WHAT EXPECTED
    assert_answers "$1" "$2" client wan2
    assert_answers "$1" "$2" client server
}

# IPv4 alone has the setting.
check_rp_filter() {
    readme_recipe 1 | play
    assert_both "no check" 3
    set_to 1 wan2/rp_filter
    assert_both "strict" 0
    readme_recipe 3 1 | play
    assert_both "strict, with the mark" 3
    set_to 0 wan2/src_valid_mark
    assert_both "strict again" 0
    readme_recipe 3 2 | play
    assert_both "loose" 3
    start_afresh

    # Here packets that come in by wan2 have no mark, and answers from the lan have one that leads to wan2.
    readme_recipe 1 | sed -e '/--restore-mark/s/PREROUTING/& -i lan/' | play suppress_prefixlength
    set_to 1 wan2/rp_filter
    readme_recipe 3 1 | play
    assert_both "strict, with a mark that is not there yet" 0
    set_to 0 wan2/src_valid_mark
    readme_recipe 3 2 | play
    set_to 1 lan/rp_filter
    assert_both "loose, and the lan strict" 3
    set_to 1 all/src_valid_mark
    assert_answers "the mark on all interfaces" 3 client wan2
    assert_answers "the mark on all interfaces" 0 client server
}

check_rpfilter_match() {
    local check=(PREROUTING -i wan2 -m rpfilter --invert -j DROP)
    start_afresh
    readme_recipe 1 | play
    "$front_end" -t mangle -A "${check[@]}" 2>"$scratch/stderr" || {
        echo "note: left out the match rpfilter: $(<"$scratch/stderr")"
        return
    }
    assert_both "rule without the mark" 0
    "$front_end" -t mangle -D "${check[@]}"
    "$front_end" -t mangle -A "${check[@]}" --validmark
    assert_both "rule with the mark" 3
    "$front_end" -t mangle -D "${check[@]}" --validmark
    "$front_end" -t mangle -I "${check[@]}" --validmark
    assert_both "rule before the restore" 0
}

check() {
    build_network
    [[ $family == 6 ]] || check_rp_filter
    set_to 0 all/src_valid_mark
    set_to 0 lan/rp_filter
    set_to 0 wan2/rp_filter
    check_rpfilter_match
}

for_each_front_end check
