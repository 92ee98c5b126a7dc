#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# builds_and_loads.sh FOLDER COMPILER BUILD_TYPE [FLAGS]
#
# Builds the plugin anew, warnings being errors, and lets iptables-translate load it. The plugin is linked without
# the C++ runtime, so code for which a compiler or a flag needs the runtime does not get that far.

set -euo pipefail

folder=$1 compiler=$2 build_type=$3 flags=${4:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH+=:/usr/sbin:/sbin
: "${CONNMARK_XTLIBDIR:=$(pkg-config --variable=xtlibdir xtables)}"

skip() { # REASON
    printf 'SKIP: %s\n' "$1"
    exit 77
}

command -v "$compiler" >/dev/null || skip "$compiler is not installed"
command -v iptables-translate >/dev/null || skip "iptables-translate is not installed"

rm -rf "$folder"
CXXFLAGS='' LDFLAGS='' cmake -S "$root" -B "$folder" -DBUILD_TESTING=OFF -DCONNMARK_WERROR=ON \
    -DCMAKE_BUILD_TYPE="$build_type" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags"
cmake --build "$folder" --target xt_CONNMARK

# The stock plugin is out of reach: what this prints comes from the one just built.
mkdir "$folder/only_ours"
cp "$folder/xtables/libxt_CONNMARK.so" "$folder/only_ours"
got=$(XTABLES_LIBDIR="$folder/only_ours" iptables-translate -A OUTPUT -j CONNMARK --set-mark 0x16)
expected="nft 'add rule ip filter OUTPUT counter ct mark set 0x16'"
if [[ ${got//\'/} != "${expected//\'/}" ]]; then
    printf 'expected: %s\n     got: %s\n' "$expected" "$got"
    exit 1
fi
