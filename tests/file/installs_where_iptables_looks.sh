#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

needs cmake pkg-config
make_scratch

plugins_under() { # FOLDER
    (cd "$1" && find . -name 'libxt_CONNMARK.so' | sed 's/^\.//')
}

configure "$checkout" "$scratch/build"
logged cmake --build "$scratch/build"
DESTDIR=$scratch/default logged cmake --install "$scratch/build"
assert_equal "where the plugin is installed" "$(pkg-config --variable=xtlibdir xtables)/libxt_CONNMARK.so" \
    "$(plugins_under "$scratch/default")"

configure "$checkout" "$scratch/build" -DXTLIBDIR=/opt/iptables/xtables
DESTDIR=$scratch/chosen logged cmake --install "$scratch/build"
assert_equal "where the plugin is installed with -DXTLIBDIR" /opt/iptables/xtables/libxt_CONNMARK.so \
    "$(plugins_under "$scratch/chosen")"
