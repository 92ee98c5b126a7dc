#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whoever doubts a binary can build it again, in any folder.
. "$(dirname "$0")/lib.sh"

needs cmake cmp tar
make_scratch
for folder in here somewhere/else; do
    mkdir -p "$scratch/$folder/source"
    tar -C "$checkout" --exclude=./build --exclude=./.git -cf - . | tar -C "$scratch/$folder/source" -xf -
    configure "$scratch/$folder/source" "$scratch/$folder/result"
    logged cmake --build "$scratch/$folder/result" --target xt_CONNMARK xt_CONNMARK_static
done
for file in xtables/libxt_CONNMARK.so src/libxt_CONNMARK.a; do
    cmp "$scratch/here/result/$file" "$scratch/somewhere/else/result/$file" ||
        fail "$file depends on the folder that it was built in"
done
