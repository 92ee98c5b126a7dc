#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages of plugin and command, and those of their debug symbols, hold what they should, whoever builds them
# wherever. They are left in $CONNMARK_DEBS for the other tests.

source "$(dirname "$0")/lib.sh"
needs cmake ninja dpkg dpkg-deb dpkg-shlibdeps dpkg-parsechangelog readelf

build_packages() { # CHECKOUT CMAKE_OPTION...
    (
        cd "$1"
        quietly cmake --preset package "${@:2}"
        quietly cmake --build --preset package
    )
}

rm -rf "$CONNMARK_DEBS"
make_checkout "$scratch/first"
build_packages "$scratch/first"
(umask 077 && make_checkout "$scratch/a second place")
# The command takes long to compile, and is packed the same way.
TZ=Asia/Tokyo build_packages "$scratch/a second place" -DCONNMARK_BUILD_COMMAND=OFF

version=$(project_version)
arch=$(dpkg --print-architecture)
debs=()
for name in libxt-connmark{,-dbgsym} connmark{,-dbgsym}; do
    debs+=("${name}_${version}_$arch.deb")
done
built=$scratch/first/build/package
for file in "${debs[@]:0:2}"; do
    assert_same_file "the package from a second place" "$built/$file" "$scratch/a second place/build/package/$file"
done

cd "$built"
field() { dpkg-deb --field "$1" "$2"; }
files() { dpkg-deb --fsys-tarfile "$1" | tar -tvf - | sed -nE '/^d/!s/^([^ ]+) ([^ ]+) .* \.(\/.*)$/\1 \2 \3/p' | sort -k 3; }
libraries() { field "$1" Depends | tr , '\n' | sed -E 's/^ //; /^libc6 \(/d'; }

# assert_package NAME CODE_FILE: what is the same for both.
assert_package() {
    local package=$1_${version}_$arch.deb symbols=$1-dbgsym_${version}_$arch.deb build_id sections tree
    assert_equal "version of $1" "$version" "$(field "$package" Version)"
    assert_equal "recommended packages of $1" iptables "$(field "$package" Recommends)"

    dpkg-deb --raw-extract "$package" "$scratch/$1"
    build_id=$(readelf -n "$scratch/$1$2" | sed -n 's/^ *Build ID: //p')
    assert_equal "files of the debug symbols of $1" "\
-rw-r--r-- root/root /usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug
lrwxrwxrwx root/root /usr/share/doc/$1-dbgsym -> $1" "$(files "$symbols")"
    dpkg-deb --raw-extract "$symbols" "$scratch/$1-dbgsym"
    sections=$(readelf -SW "$scratch/$1-dbgsym/usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug" 2>/dev/null)
    assert_contains "sections of the debug symbols of $1" .debug_info "$sections"
    for tree in "$scratch/$1" "$scratch/$1-dbgsym"; do
        (cd "$tree" && md5sum --quiet --check DEBIAN/md5sums) || fail "the checksums of ${tree##*/} are wrong"
    done

    gzip -dc "$scratch/$1/usr/share/doc/$1/changelog.gz" >"$scratch/changelog"
    assert_equal "version in the changelog of $1" "$version" "$(dpkg-parsechangelog -l "$scratch/changelog" -S Version)"
    assert_contains "changelog of $1" 'libxt_CONNMARK maintainers' "$(<"$scratch/changelog")"
}

plugin=$(pkg-config --variable=xtlibdir xtables)/libxt_CONNMARK.so
assert_package libxt-connmark "$plugin"
assert_equal "libraries of the plugin" "libxtables12 (>= 1.8.7)" "$(libraries "${debs[0]}")"
assert_equal "files of the plugin" "\
-rw-r--r-- root/root $plugin
-rw-r--r-- root/root /usr/share/doc/libxt-connmark/changelog.gz
-rw-r--r-- root/root /usr/share/doc/libxt-connmark/copyright
-rw-r--r-- root/root /usr/share/lintian/overrides/libxt-connmark
-rw-r--r-- root/root /usr/share/man/man8/libxt_CONNMARK.8.gz" "$(files "${debs[0]}")"

assert_package connmark /usr/bin/connmark
assert_equal "libraries of the command" "libgcc-s1 libip4tc2 libip6tc2 libmnl0 libstdc++6 libxtables12" \
    "$(libraries "${debs[2]}" | sed 's/ .*//' | sort | paste -sd ' ')"
assert_equal "files of the command" "\
-rwxr-xr-x root/root /usr/bin/connmark
-rw-r--r-- root/root /usr/share/bash-completion/completions/connmark
-rw-r--r-- root/root /usr/share/connmark/owners.json
-rw-r--r-- root/root /usr/share/doc/connmark/changelog.gz
-rw-r--r-- root/root /usr/share/doc/connmark/copyright
-rw-r--r-- root/root /usr/share/lintian/overrides/connmark
-rw-r--r-- root/root /usr/share/man/man8/connmark.8.gz" "$(files "${debs[2]}")"

mkdir -p "$CONNMARK_DEBS"
cp "${debs[@]}" "$CONNMARK_DEBS"
