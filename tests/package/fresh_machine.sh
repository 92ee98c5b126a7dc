#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fresh_machine.sh SUITE [CTEST OPTION...]
#
# The two commands of the README, scripts/demo and scripts/test, on a minimal Debian SUITE with nothing but the checkout:
# they install what they need from the mirror that make-root has used. Takes long, and some GB in $TMPDIR, so the test is
# registered only with -DCONNMARK_FRESH_TESTS=ON. The options limit what scripts/test runs.

source "$(dirname "$0")/lib.sh"
suite=$1
copy_root "$suite"

# How this machine reaches the mirror is not part of the root.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
[[ -z ${http_proxy:-} ]] || printf 'Acquire::http::Proxy "%s";\n' "$http_proxy" >"$root/etc/apt/apt.conf.d/00proxy"
[[ -z ${https_proxy:-} ]] || printf 'Acquire::https::Proxy "%s";\n' "$https_proxy" >>"$root/etc/apt/apt.conf.d/00proxy"

# Not only a chroot: inside one nobody may make namespaces, which the demo and the tests are all about.
in_root() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child bash -c '
        set -eu
        mount --bind "$1" "$1"
        cd "$1"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t tmpfs tmpfs run
        pivot_root . mnt
        umount --lazy /mnt
        cd /
        shift
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
    ' machine "$root" "$@"
}
in_root apt-get update >"$scratch/log" 2>&1 || skip "the mirror cannot be reached from a root: $(tail -n 1 "$scratch/log")"
quietly in_root apt-get purge -y --autoremove iptables nftables
for program in iptables nft g++ cmake git; do
    ! in_root sh -c "command -v $program" >/dev/null || fail "$program is there before the commands have run"
done

make_checkout "$root/root/checkout"
printf -- '-- scripts/demo\n'
in_root /root/checkout/scripts/demo
printf -- '-- scripts/test\n'
in_root /root/checkout/scripts/test "${@:2}"
