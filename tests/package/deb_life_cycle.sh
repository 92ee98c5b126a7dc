#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deb_life_cycle.sh SUITE
#
# The Debian package in a root of SUITE, step by step: a failed install, install, use, iptables reinstalled and upgraded
# underneath, upgrade, failed upgrade, reinstall, remove, purge, and what may go wrong around them. After every step
# each front end lists the same rules and finds them, each file is the right one byte for byte, and, but for a removal,
# at no moment was there no plugin.

source "$(dirname "$0")/lib.sh"
suite=$1
needs dpkg-deb unshare ip
debs=("$CONNMARK_DEBS"/libxt-connmark_*.deb)
[[ -e ${debs[0]} ]] || skip "no Debian package could be built here"
ours=${debs[0]}
front_ends=(iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft)

# Into $stock, which is kept for the next time: the package iptables of the suite.
fetch_stock() { # ROOT
    local helper=/usr/lib/apt/apt-helper uri name hash
    read -r uri name _ hash < <("$roots/in-root" "$1" apt-get --print-uris download iptables) ||
        skip "the root of $suite knows no source of the package iptables"
    stock=$CONNMARK_DEBS.$suite/$name
    [[ ! -e $stock ]] || return 0
    mkdir -p "${stock%/*}"
    if ! { [[ -x $helper ]] && "$helper" download-file "${uri//\'/}" "$stock.part" "$hash"; } >"$scratch/log" 2>&1; then
        skip "the package iptables of $suite cannot be fetched"
    fi
    mv "$stock.part" "$stock"
}

# Everything but the fetching happens on a private network, which reaches nothing.
if [[ -z ${CONNMARK_PRIVATE:-} ]]; then
    need_root original "$suite"
    needs_real_root
    fetch_stock "$original"
    rm -rf "$scratch"
    CONNMARK_PRIVATE=1 CONNMARK_STOCK=$stock exec unshare --net bash "$0" "$suite"
fi
stock=$CONNMARK_STOCK
copy_root "$suite"
# Nothing here has to survive a power failure, and waiting for the disk takes most of the time.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
in_root() { "$roots/in-root" "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }

name=$(dpkg-deb --fsys-tarfile "$ours" | tar -tf - | sed -n 's/^\.\(.*libxt_CONNMARK\.so\)$/\1/p')
plugin=$root$name
diverted=$plugin.iptables

# -- packages to install: $root/srv/NAME.deb, and NAME.so the plugin in it ------------------------------------------

# offer NAME PACKAGE [CHANGE ARGUMENT...]: PACKAGE, after CHANGE was called with its unpacked tree.
offer() {
    local offered=$1 tree=$scratch/$1
    dpkg-deb --raw-extract "$2" "$tree"
    shift 2
    (($# == 0)) || "$1" "$tree" "${@:2}"
    cp "$tree$name" "$scratch/$offered.so"
    dpkg-deb --root-owner-group --build "$tree" "$root/srv/$offered.deb" >/dev/null
    rm -rf "$tree"
}

# A plugin with other bytes that does the same: what follows the ELF file is not loaded.
make_newer() { # TREE VERSION_SUFFIX
    sed -i "s/^Version: .*/&$2/" "$1/DEBIAN/control"
    printf '%s' "$2" >>"$1$name"
    (cd "$1" && md5sum "${name#/}" && grep -v CONNMARK.so DEBIAN/md5sums) >"$scratch/md5sums"
    cp "$scratch/md5sums" "$1/DEBIAN/md5sums"
}

# A file of another package, unpacked after the plugin: dpkg gives up there and goes back.
make_clash() { # TREE VERSION_SUFFIX
    make_newer "$@"
    mkdir -p "$1/usr/share/doc/base-files"
    echo clash >"$1/usr/share/doc/base-files/copyright"
}

offer stock "$stock"
offer stock_newer "$stock" make_newer +newer1
offer ours "$ours"
offer ours_newer "$ours" make_newer +newer1
offer ours_clashing "$ours" make_clash +newer2

# -- rules ----------------------------------------------------------------------------------------------------------

rules=(
    '--set-xmark 0x1/0xff'
    '--save-mark --nfmask 0xff --ctmask 0xff0000 --left-shift-mark 16'
    '--restore-mark --nfmask 0xff --ctmask 0xff0000 --right-shift-mark 16'
)

add_rules() {
    local front_end rule
    for front_end in "${front_ends[@]}"; do
        for rule in "${rules[@]}"; do
            # shellcheck disable=SC2086 # options, to be split
            in_root "$front_end" -t mangle -A PREROUTING -j CONNMARK $rule
        done
    done
}

find_rules() {
    local front_end rule
    for front_end in "${front_ends[@]}"; do
        for rule in "${rules[@]}"; do
            # shellcheck disable=SC2086 # options, to be split
            in_root "$front_end" -t mangle -C PREROUTING -j CONNMARK $rule || fail "$step: $front_end -C $rule"
        done
    done
}

list_rules() {
    local front_end
    for front_end in "${front_ends[@]}"; do
        in_root "$front_end" -t mangle -S 2>&1 | grep -v '^# Warning' || true
    done
}

# -- steps ----------------------------------------------------------------------------------------------------------

# do_step [--fails] WHAT COMMAND...: into $gaps what happened to the plugin's name.
do_step() {
    local expected=0 status=0
    if [[ $1 == --fails ]]; then
        expected=1
        shift
    fi
    step=$1
    shift
    printf -- '-- %s\n' "$step"
    "$CONNMARK_WATCH_NAME" "$plugin" "$roots/in-root" "$root" env DEBIAN_FRONTEND=noninteractive "$@" \
        >"$scratch/out" 2>&1 || status=$?
    gaps=$(grep -x -e 'deleted' -e 'renamed away' -e 'the kernel has .*' "$scratch/out" || true)
    ((status == expected || expected == 1 && status != 0)) || fail "$step: status $status: $(<"$scratch/out")"
}

# The state after a step: NAME of what has the plugin's name, and NAME of what has the second name or "none".
expect() {
    assert_same_file "$step" "$scratch/$1.so" "$plugin"
    if [[ $2 == none ]]; then
        [[ ! -e $diverted ]] || fail "$step: ${diverted#"$root"} is there"
        assert_equal "$step: diversion" "" "$(in_root dpkg-divert --list '*CONNMARK*')"
    else
        assert_same_file "$step" "$scratch/$2.so" "$diverted"
        assert_equal "$step: diversion" "diversion of $name to $name.iptables by libxt-connmark" \
            "$(in_root dpkg-divert --list '*CONNMARK*')"
    fi
    assert_equal "$step: rules" "$listed" "$(list_rules)"
    find_rules
    assert_equal "$step: dpkg --audit" "" "$(in_root dpkg --audit)"
    assert_equal "$step: dpkg --verify" "" "$(in_root dpkg --verify iptables)"
    [[ $2 == none ]] || assert_equal "$step: dpkg --verify" "" "$(in_root dpkg --verify libxt-connmark)"
    assert_equal "$step: other files next to the plugin" "" \
        "$(find "${plugin%/*}" -name '*CONNMARK*' ! -path "$plugin" ! -path "$diverted")"
}

expect_no_gap() {
    assert_equal "$step: moments without a plugin" "" "$gaps"
}

# Every file, with its checksum, but for what dpkg and apt write down about what they did.
list_files() {
    (cd "$root" && find . -xdev \( -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg \
        -o -path ./var/lib/apt -o -path ./srv -o -path ./etc/ld.so.cache \) -prune -o -type f -print0 |
        sort -z | xargs -0 sha256sum)
}

add_rules
step="the rules, before"
listed=$(list_rules)
assert_equal "rules" $((${#rules[@]} * ${#front_ends[@]})) "$(grep -c CONNMARK <<<"$listed")"
expect stock none
files=$(list_files)

do_step --fails "a first install that dpkg gives up" dpkg -i /srv/ours_clashing.deb
assert_contains "$step" "trying to overwrite" "$(<"$scratch/out")"
expect_no_gap
in_root dpkg --purge libxt-connmark >/dev/null 2>&1
expect stock none
assert_equal "$step: files" "$files" "$(list_files)"

do_step "install" apt-get install -y /srv/ours.deb
expect_no_gap
expect ours stock

step="use"
for front_end in "${front_ends[@]}"; do
    refusal=$(in_root "$front_end" -t mangle -A OUTPUT -j CONNMARK --save-mark --left-shift-mark 32 2>&1) &&
        fail "$front_end takes a shift of 32"
    assert_contains "$front_end loads our plugin" "give 0 to 31" "$refusal"
done
in_root iptables-nft -t mangle -A OUTPUT -j CONNMARK --or-mark 0x10
in_root iptables-nft -t mangle -D OUTPUT -j CONNMARK --or-mark 0x10
assert_contains "manual page" CONNMARK "$(gzip -dc "$root/usr/share/man/man8/libxt_CONNMARK.8.gz" 2>/dev/null ||
    echo "CONNMARK's is left out: $(grep -rhs 'path-exclude.*/man' "$root/etc/dpkg/dpkg.cfg.d")")"
expect ours stock

do_step "iptables reinstalled underneath" dpkg -i /srv/stock.deb
expect_no_gap
expect ours stock
do_step "iptables upgraded underneath" dpkg -i /srv/stock_newer.deb
expect_no_gap
expect ours stock_newer
do_step "upgrade" dpkg -i /srv/ours_newer.deb
expect_no_gap
expect ours_newer stock_newer
do_step --fails "an upgrade that dpkg gives up" dpkg -i /srv/ours_clashing.deb
assert_contains "$step" "trying to overwrite" "$(<"$scratch/out")"
expect_no_gap
expect ours_newer stock_newer
do_step "downgrade" dpkg -i /srv/ours.deb
expect_no_gap
expect ours stock_newer
do_step "reinstall" dpkg -i /srv/ours.deb
expect_no_gap
expect ours stock_newer

do_step "remove" dpkg --remove libxt-connmark
assert_equal "$step: moments without a plugin" deleted "$gaps"
expect stock_newer none
do_step "back to the old iptables" dpkg -i /srv/stock.deb
expect stock none
assert_equal "$step: files" "$files" "$(list_files)"

do_step "install again" dpkg -i /srv/ours.deb
expect_no_gap
expect ours stock
do_step "purge" apt-get purge -y libxt-connmark
expect stock none
assert_equal "$step: files" "$files" "$(list_files)"

dpkg-deb --ctrl-tarfile "$ours" | tar -xOf - ./preinst >"$root/srv/preinst"
do_step "an install that was interrupted before the unpacking" sh /srv/preinst install
expect_no_gap
do_step "and is repeated" dpkg -i /srv/ours.deb
expect_no_gap
expect ours stock
do_step "an install that was interrupted after the unpacking" sh /srv/preinst install
expect_no_gap
expect ours stock
do_step "remove after that" dpkg --remove libxt-connmark
expect stock none

in_root dpkg-divert --quiet --local --no-rename --divert /srv/local.so --add "$name"
do_step --fails "install where the administrator diverts the file" dpkg -i /srv/ours.deb
expect_no_gap
assert_same_file "$step" "$scratch/stock.so" "$plugin"
assert_contains "$step" "local diversion of $name to /srv/local.so" "$(in_root dpkg-divert --list '*CONNMARK*')"
in_root dpkg-divert --quiet --local --no-rename --remove "$name"
in_root dpkg --purge libxt-connmark >/dev/null 2>&1
expect stock none

do_step "iptables removed underneath" sh -c 'dpkg -i /srv/ours.deb && dpkg --purge iptables'
expect_no_gap
assert_same_file "$step" "$scratch/ours.so" "$plugin"
[[ ! -e $diverted ]] || fail "$step: ${diverted#"$root"} is there"
do_step "reinstall without iptables" dpkg -i /srv/ours.deb
expect_no_gap
do_step "iptables installed after ours" dpkg -i /srv/stock.deb
expect_no_gap
expect ours stock
do_step "remove after that" dpkg --remove libxt-connmark
expect stock none
do_step "iptables removed before ours" sh -c 'dpkg -i /srv/ours.deb && dpkg --purge iptables && dpkg --purge libxt-connmark'
[[ ! -e ${plugin%/*} ]] || fail "$step: left behind: $(ls "${plugin%/*}")"
