#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lintian has nothing to say about the packages, not even what is merely informative or pedantic, but for the overrides,
# each of which has its reason next to it.

source "$(dirname "$0")/lib.sh"
needs lintian
debs=("$CONNMARK_DEBS"/*.deb)
[[ -e ${debs[0]} ]] || skip "no Debian package could be built here"

options=(--no-cfg --display-info --pedantic --fail-on "error,warning,info,pedantic")
# The documents of the debug symbols are a link to those of the package itself, as debhelper makes it; lintian would
# want to see a source package, too, to believe that they belong together.
options+=(--suppress-tags cannot-check-whether-usr-share-doc-symlink-points-to-foreign-package)
((EUID != 0)) || options+=(--allow-root)
status=0
lintian "${options[@]}" "${debs[@]}" >"$scratch/lintian" 2>&1 || status=$?
assert_equal "what lintian says" "" "$(<"$scratch/lintian")"
assert_equal "status of lintian" 0 "$status"

for overrides in "$CONNMARK_SOURCE"/packaging/debian/*.lintian-overrides; do
    kinds=$(sed -e 1d -e '/^$/d' -e 's/^#.*/reason/; t' -e 's/.*/override/' "$overrides" | uniq | paste -sd ' ')
    [[ $kinds =~ ^(reason override ?)+$ ]] || fail "an override of ${overrides##*/} has no reason: $kinds"
done
