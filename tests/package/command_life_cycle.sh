#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# command_life_cycle.sh SUITE
#
# The Debian package of the command in a root of SUITE: install, explain, audit what runs, complete, remove, purge; no
# file of it is left.

source "$(dirname "$0")/lib.sh"
suite=$1
needs dpkg-deb unshare
debs=("$CONNMARK_DEBS"/connmark_*.deb)
[[ -e ${debs[0]} ]] || skip "no Debian package could be built here"

copy_root "$suite"
cp "${debs[0]}" "$root/srv/connmark.deb"
in_root() { unshare --net "$roots/in-root" "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }

# Unlike the plugin, which runs with older ones, the command takes the C and C++ libraries that it was built for.
needed=$(dpkg-deb --field "${debs[0]}" Depends | sed -n 's/.*\<libc6 (>= \([^)]*\)).*/\1/p')
# shellcheck disable=SC2016 # expanded by dpkg-query
there=$(in_root dpkg-query --show --showformat '${Version}' libc6)
dpkg --compare-versions "$there" ge "$needed" ||
    skip "the package built here is for libc6 $needed or later, and $suite has $there"

files() { in_root find /etc /usr /var/lib/dpkg/info -path '*connmark*' | sort; }

before=$(files)
quietly in_root dpkg --install /srv/connmark.deb
assert_contains "explain" "ctmark = ctmark | 0x1" "$(in_root connmark explain --or-mark 1)"
assert_contains "help" "audit" "$(in_root connmark --help)"

# A restore without a mask, and Calico, who has marks of its own.
# shellcheck disable=SC2016 # expanded in the root
in_root bash -euc '
    iptables-nft -t mangle -N cali-PREROUTING
    iptables-nft -t mangle -A cali-PREROUTING -j MARK --set-xmark 0x10000/0x10000
    iptables-nft -t mangle -A PREROUTING -j cali-PREROUTING
    iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark
    connmark audit || (($? == 1))
' >"$scratch/audit"
assert_contains "audit" "unmasked-restore" "$(<"$scratch/audit")"
assert_contains "audit" Calico "$(<"$scratch/audit")"

quietly in_root dpkg --remove connmark
! in_root sh -c 'command -v connmark' >/dev/null || fail "the command is still there"
quietly in_root dpkg --purge connmark
assert_equal "files after the purge" "$before" "$(files)"
