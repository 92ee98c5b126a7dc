#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plugins share one namespace with iptables: any other name could clash, or be taken from somebody else. What Clang does
# not optimise has functions of the C++ library, which hidden visibility does not hide.
. "$(dirname "$0")/lib.sh"

needs nm cmake
make_scratch

assert_exports() { # WHAT PLUGIN
    assert_equal "names that $1 exports" libxt_CONNMARK_init \
        "$(nm -D --defined-only "$2" | awk '{ print $3 }' | sort | xargs)"
}

assert_exports "the plugin" "$plugin"
! command -v clang++ >/dev/null || CONNMARK_CXX=clang++
configure "$checkout" "$scratch/build" -DCMAKE_BUILD_TYPE=Debug
logged cmake --build "$scratch/build" --target xt_CONNMARK
assert_exports "an unoptimised plugin" "$scratch/build/xtables/libxt_CONNMARK.so"
