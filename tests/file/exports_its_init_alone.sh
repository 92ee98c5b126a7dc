#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plugins share one namespace with iptables: any other name could clash, or be taken from somebody else.
. "$(dirname "$0")/lib.sh"

needs nm
assert_equal "names that the plugin exports" libxt_CONNMARK_init \
    "$(nm -D --defined-only "$plugin" | awk '{ print $3 }' | sort | xargs)"
