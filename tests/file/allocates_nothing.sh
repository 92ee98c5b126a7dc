#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not allocated is neither leaked nor missing.
. "$(dirname "$0")/lib.sh"

needs nm
not_sanitized
used=$(imports | grep -E 'alloc|memalign|^free$|str.*dup|asprintf|memstream|getline|getdelim|^_Z(n|d)' | xargs) || true
assert_equal "functions that allocate" "" "$used"
