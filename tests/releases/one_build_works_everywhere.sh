#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# one_build_works_everywhere.sh SUITE
#
# The plugin built here works inside another release of Debian, with its iptables and its nft.

set -euo pipefail
here=$(dirname "$0")
source "$here/../roots/lib.sh"

root=''
need_root root "$1"
in_root_network --plugin "$CONNMARK_PLUGIN_DIR" "$root" bash -s <"$here/use_every_option.sh"
