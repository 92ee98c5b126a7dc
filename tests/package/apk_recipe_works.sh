#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Alpine recipe next to the release tarball is a correct one, as far as can be told without Alpine: a POSIX shell
# reads it, its checksum fits, and its functions build and install the files, called as abuild calls them.

source "$(dirname "$0")/lib.sh"
needs cmake ninja git dash sha512sum

make_checkout "$scratch/checkout"
make_tarball "$scratch/checkout" "$scratch/build"
mkdir "$scratch/src" "$scratch/pkg"
cp "$scratch/build/release/"{APKBUILD,libxt_CONNMARK-*.tar.gz} "$scratch"

# shellcheck disable=SC2016 # expanded by the inner shell
play_abuild='
    set -e
    srcdir=$PWD/src pkgdir=$PWD/pkg
    . ./APKBUILD
    for variable in pkgname pkgver pkgrel pkgdesc url arch license source builddir sha512sums; do
        eval "[ -n \"\$$variable\" ]" || { echo "the recipe sets no $variable"; exit 1; }
    done
    echo "$sha512sums" | sed "/^$/d" | sha512sum --check --strict
    for file in $source; do
        tar -C "$srcdir" -xzf "$file"
    done
    for phase in build package; do
        (cd "$builddir" && "$phase")
    done
'
cd "$scratch"
quietly dash -c "$play_abuild"

# shellcheck disable=SC1091,SC2034,SC2154 # made above; the recipe sets them
assert_equal "version" "$(project_version)" "$(srcdir=. && . ./APKBUILD && echo "$pkgver")"
assert_equal "files" "\
$(pkg-config --variable=xtlibdir xtables)/libxt_CONNMARK.so
/usr/share/man/man8/libxt_CONNMARK.8" "$(find pkg -type f -printf '/%P\n' | sort)"
