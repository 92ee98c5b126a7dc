#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests in this folder, behind tests/kernel/lib.sh: what the manual and the README say.

: "${CONNMARK_MANUAL:?must name the manual page to test}"
: "${CONNMARK_README:?must name the README.md to test}"

# The source of the manual page as plain text: no comments, escapes or font changes.
manual_text() {
    sed -e '/^[.'\'']\\"/d' -e 's/\\f[BIPR]//g' -e 's/\\-/-/g' -e 's/\\e/\\/g' "$CONNMARK_MANUAL"
}

# The example lines of the manual.
manual_examples() {
    manual_text | sed -n '/^\.EX/,/^\.EE/{/^\./!p}'
}

# The example lines of the README's section for someone with a routing problem.
readme_examples() {
    # shellcheck disable=SC2016 # no expansion is wanted
    sed -n '/^## For someone/,/^## For a packager/p' "$CONNMARK_README" |
        sed -n '/```sh/,/```$/{/```/!s/^ *//p}'
}

# Joins lines that end in a backslash.
join_lines() {
    sed -e ':join' -e '/\\$/{N;s/ *\\\n */ /;b join' -e '}'
}
