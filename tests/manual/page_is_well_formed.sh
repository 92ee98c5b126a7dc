#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mandoc and groff find nothing to complain about in the manual page.

set -euo pipefail

for program in mandoc groff; do
    command -v "$program" >/dev/null || {
        echo "SKIP: $program is not installed"
        exit 77
    }
done

mandoc -T lint -W warning "$CONNMARK_MANUAL"
complaints=$(groff -ww -t -man -T utf8 "$CONNMARK_MANUAL" 2>&1 >/dev/null)
[[ -z $complaints ]] || {
    echo "$complaints"
    exit 1
}
