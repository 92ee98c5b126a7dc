#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the plugin is spared by not using the x6 interface of libxtables: iptables' own plugin of Debian 12, loaded by
# Debian 13, crashes at the first option. Prints how.

set -euo pipefail
here=$(dirname "$0")
source "$here/../roots/lib.sh"

old='' new=''
need_root old bookworm
need_root new trixie
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$old"/usr/lib/*/xtables/libxt_CONNMARK.so "$folder"
status=0
in_root_network --plugin "$folder" "$new" \
    iptables-legacy -t mangle -A OUTPUT -j CONNMARK --set-mark 1 || status=$?
echo "the plugin of iptables 1.8.9 ends iptables of Debian 13 with status $status; 139 is a segmentation fault"
[[ $status -eq 139 ]]
