#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The source tarball of a commit is the same file wherever and whenever it is made; it has what it needs to build, pass
# its unit tests, and make the same tarball again; and it is not made of what was not committed.

source "$(dirname "$0")/lib.sh"
needs cmake ninja git gzip

name=libxt_CONNMARK-$(project_version)
make_checkout "$scratch/checkout"
make_tarball "$scratch/checkout" "$scratch/build"
tarball=$scratch/build/release/$name.tar.gz

(
    umask 077
    export TZ=Asia/Tokyo
    quietly git clone --quiet "$scratch/checkout" "$scratch/a second place"
    # A setting of the user's that would change it.
    git -C "$scratch/a second place" config tar.umask 0077
    make_tarball "$scratch/a second place" "$scratch/second build"
)
assert_same_file "a tarball made in a second place" "$tarball" "$scratch/second build/release/$name.tar.gz"
assert_equal "sources" "$(git -C "$scratch/checkout" ls-files | sed "s|^|$name/|" | sort)" \
    "$(tar -tzf "$tarball" | grep -v '/$' | sort)"

echo >>"$scratch/checkout/README.md"
! cmake --build "$scratch/build" --target release_tarball >"$scratch/log" 2>&1 ||
    fail "a tarball was made although README.md is not committed"
assert_contains "release_tarball" README.md "$(<"$scratch/log")"

tar -C "$scratch" -xzf "$tarball"
cmake -S "$scratch/$name" -B "$scratch/tests" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCONNMARK_WERROR=ON \
    >"$scratch/log" 2>&1 || {
    grep -q GTest "$scratch/log" && skip "googletest is not installed"
    fail "$(tail -n 30 "$scratch/log")"
}
quietly cmake --build "$scratch/tests" --target xt_CONNMARK unit
quietly ctest --test-dir "$scratch/tests" -L unit --no-tests=error --output-on-failure

CONNMARK_SOURCE=$scratch/$name
make_checkout "$scratch/again"
make_tarball "$scratch/again" "$scratch/again build"
assert_same_file "a tarball made of a tarball" "$tarball" "$scratch/again build/release/$name.tar.gz"
