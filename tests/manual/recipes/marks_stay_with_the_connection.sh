#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README's second and fifth recipe and the manual's shifted field: what another rule has written into the first packet
# is there in all others, both ways, wherever that rule stands; and the other bits of the connection stay as they are.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/network.sh"

# other_rules -A|-I: what marks the first packet of a connection with wan2, and somebody else's bits.
other_rules() {
    local new=(-m conntrack --ctstate NEW -j MARK --set-mark 2/0xff)
    "$front_end" -t mangle "$1" PREROUTING -j CONNMARK --set-mark 0x5000000/0xff000000
    "$front_end" -t mangle "$1" OUTPUT -j CONNMARK --set-mark 0x5000000/0xff000000
    "$front_end" -t mangle "$1" PREROUTING -i wan2 "${new[@]}"
    "$front_end" -t mangle "$1" PREROUTING -i lan "${new[@]}"
    "$front_end" -t mangle "$1" OUTPUT -p udp "${new[@]}"
}

# assert_all WHAT TO_ITSELF FORWARDED_IN FORWARDED_OUT OWN [MARK]: answers to three questions on each way, and the mark
# of each connection.
assert_all() {
    local what=$1 way ways=('client wan2' 'client server' 'server client' 'router client') mark=${6:-}
    shift
    for way in "${ways[@]}"; do
        conntrack -F 2>/dev/null
        # shellcheck disable=SC2086 # two words
        assert_answers "$what" "$1" $way
        [[ -z $mark ]] || assert_equal "$what: mark of the connection, $way" "$mark" "$(connection_mark_to "${way#* }" udp 7)"
        shift
    done
}

check() {
    local source mark
    build_network
    # Its own packets may leave by wan2.
    ip "-$family" route replace default via "$(address isp1)" src "$(address wan2)"

    other_rules -A
    readme_recipe 1 | grep -e '^ip ' | play
    assert_all "without a recipe" 0 0 1 1
    start_afresh
    while IFS='|' read -r source mark; do
        readme_recipe 1 | grep -e '^ip ' | play
        other_rules -A
        $source | play
        assert_all "$source behind the other rules" 3 3 3 3 "$mark"
        start_afresh
        readme_recipe 1 | grep -e '^ip ' | play
        $source | play
        other_rules -I
        assert_all "$source before the other rules" 3 3 3 3 "$mark"
        start_afresh
    done <<-END
	readme_recipe 2|0x5000002
	readme_recipe 5|0x5020000
	manual_example Shifting|0x5020000
	END
}

for_each_front_end check
