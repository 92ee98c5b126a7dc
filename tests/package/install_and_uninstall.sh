#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `cmake --install` and the target `uninstall` leave every file as it was, also the plugin that was there before.

source "$(dirname "$0")/lib.sh"
needs cmake ninja

make_checkout "$scratch/checkout"
prefix=$scratch/prefix
plugins=$scratch/plugins
build=$scratch/build
quietly cmake -S "$scratch/checkout" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DXTLIBDIR="$plugins"
quietly cmake --build "$build"
built=$build/xtables/libxt_CONNMARK.so
manual=$prefix/share/man/man8/libxt_CONNMARK.8

install() { quietly cmake --install "$build"; }
uninstall() { quietly cmake --build "$build" --target uninstall; }
installed_files() { find "$prefix" "$plugins" -type f -printf '%p\n' | sort; }
mkdir "$prefix" "$plugins"

install
assert_equal "files of an install" "$(printf '%s\n' "$plugins/libxt_CONNMARK.so" "$manual" | sort)" "$(installed_files)"
assert_same_file "an install" "$built" "$plugins/libxt_CONNMARK.so"
uninstall
assert_equal "files after the uninstall" "" "$(installed_files)"

printf 'the plugin of iptables' >"$plugins/libxt_CONNMARK.so"
chmod 640 "$plugins/libxt_CONNMARK.so"
touch -r "$built" "$plugins/libxt_CONNMARK.so" # as on machines where all files have the time stamp of a release
cp -p "$plugins/libxt_CONNMARK.so" "$scratch/stock.so"
install
assert_same_file "an install over another plugin" "$built" "$plugins/libxt_CONNMARK.so"
install
assert_same_file "a second install" "$built" "$plugins/libxt_CONNMARK.so"
uninstall
assert_same_file "an uninstall" "$scratch/stock.so" "$plugins/libxt_CONNMARK.so"
assert_equal "mode" "$(stat -c %a "$scratch/stock.so")" "$(stat -c %a "$plugins/libxt_CONNMARK.so")"
assert_equal "files after the uninstall" "$plugins/libxt_CONNMARK.so" "$(installed_files)"

install
printf 'the plugin of a newer iptables' >"$plugins/libxt_CONNMARK.so"
cp "$plugins/libxt_CONNMARK.so" "$scratch/newer.so"
uninstall
assert_contains "uninstall" "left alone" "$(<"$scratch/log")"
assert_same_file "an uninstall after an upgrade of iptables" "$scratch/newer.so" "$plugins/libxt_CONNMARK.so"
assert_same_file "what the install had replaced" "$scratch/stock.so" "$plugins/libxt_CONNMARK.so.replaced"
[[ ! -e $manual ]] || fail "the manual page is still there"
! cmake --build "$build" --target uninstall >"$scratch/log" 2>&1 || fail "a second uninstall succeeds"
assert_contains "a second uninstall" "nothing was installed" "$(<"$scratch/log")"

# A packager's stage.
rm "$plugins"/*
stage=$scratch/stage
DESTDIR=$stage install
assert_equal "files of the machine" "" "$(installed_files)"
assert_equal "files of the stage" "$(printf '%s\n' "$plugins/libxt_CONNMARK.so" "$manual" | sort)" \
    "$(find "$stage" -type f -printf '/%P\n' | sort)"
DESTDIR=$stage uninstall
assert_equal "files of the stage after the uninstall" "" "$(find "$stage" -type f)"
