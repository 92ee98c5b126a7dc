#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README's first recipe and the manual's two uplinks: whoever calls wan2 is answered through wan2, by the router itself
# and by a server behind it.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/network.sh"

check() {
    local source
    build_network
    for source in 'readme_recipe 1' 'manual_example Two'; do
        assert_answers "before $source" 0 client wan2
        assert_answers "before $source" 0 client server
        $source | play
        assert_answers "$source" 3 client wan2
        assert_answers "$source" 3 client server
        assert_answers "$source" 3 router client
        start_afresh

        $source | play 'suppress_prefixlength'
        assert_answers "$source without the main table first" 3 client wan2
        assert_answers "$source without the main table first" 0 client server
        start_afresh
        $source | play '-A OUTPUT'
        assert_answers "$source without OUTPUT" 0 client wan2
        assert_answers "$source without OUTPUT" 3 client server
        start_afresh
    done
}

for_each_front_end check
