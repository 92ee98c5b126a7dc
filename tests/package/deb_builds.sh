#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package and the one of its debug symbols hold what they should, whoever builds them wherever. They are left
# in $CONNMARK_DEBS for the other tests.

source "$(dirname "$0")/lib.sh"
needs cmake ninja dpkg dpkg-deb dpkg-shlibdeps dpkg-parsechangelog readelf

build_packages() { # CHECKOUT
    quietly cmake -S "$1" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF
    quietly cmake --build "$1/build" --target package
}

rm -rf "$CONNMARK_DEBS"
make_checkout "$scratch/first"
build_packages "$scratch/first"
(umask 077 && make_checkout "$scratch/a second place")
TZ=Asia/Tokyo build_packages "$scratch/a second place"

version=$(project_version)
arch=$(dpkg --print-architecture)
package=libxt-connmark_${version}_$arch.deb
symbols=libxt-connmark-dbgsym_${version}_$arch.deb
for file in "$package" "$symbols"; do
    assert_same_file "the package from a second place" "$scratch/first/build/$file" "$scratch/a second place/build/$file"
done

cd "$scratch/first/build"
field() { dpkg-deb --field "$package" "$1"; }
files() { dpkg-deb --fsys-tarfile "$1" | tar -tvf - | sed -nE '/^d/!s/^([^ ]+) ([^ ]+) .* \.(\/.*)$/\1 \2 \3/p' | sort -k 3; }

assert_equal "version" "$version" "$(field Version)"
assert_equal "libraries" "libxtables12 (>= 1.8.7)" "$(field Depends | tr , '\n' | sed 's/^ //' | grep -v '^libc6 (')"
assert_equal "recommended packages" iptables "$(field Recommends)"

plugin=$(pkg-config --variable=xtlibdir xtables)/libxt_CONNMARK.so
assert_equal "files" "\
-rw-r--r-- root/root $plugin
-rw-r--r-- root/root /usr/share/doc/libxt-connmark/changelog.gz
-rw-r--r-- root/root /usr/share/doc/libxt-connmark/copyright
-rw-r--r-- root/root /usr/share/lintian/overrides/libxt-connmark
-rw-r--r-- root/root /usr/share/man/man8/libxt_CONNMARK.8.gz" "$(files "$package")"

dpkg-deb --raw-extract "$package" "$scratch/tree"
build_id=$(readelf -n "$scratch/tree$plugin" | sed -n 's/^ *Build ID: //p')
assert_equal "files of the debug symbols" "\
-rw-r--r-- root/root /usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug
lrwxrwxrwx root/root /usr/share/doc/libxt-connmark-dbgsym -> libxt-connmark" "$(files "$symbols")"
dpkg-deb --raw-extract "$symbols" "$scratch/symbols"
sections=$(readelf -SW "$scratch/symbols/usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug")
assert_contains "sections of the debug symbols" .debug_info "$sections"
for tree in "$scratch/tree" "$scratch/symbols"; do
    (cd "$tree" && md5sum --quiet --check DEBIAN/md5sums) || fail "the checksums of ${tree##*/} are wrong"
done

gzip -dc "$scratch/tree/usr/share/doc/libxt-connmark/changelog.gz" >"$scratch/changelog"
assert_equal "version in the changelog" "$version" "$(dpkg-parsechangelog -l "$scratch/changelog" -S Version)"
assert_contains "changelog" 'libxt_CONNMARK maintainers' "$(<"$scratch/changelog")"

mkdir -p "$CONNMARK_DEBS"
cp "$package" "$symbols" "$CONNMARK_DEBS"
