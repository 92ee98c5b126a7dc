#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# unit_tests_under_emulation.sh ARCH BUILD_FOLDER
#
# Cross-builds the plugin and the unit tests for another machine (arm64, or s390x, which is big-endian) and runs them
# under qemu-user.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../roots/lib.sh"

arch=$1 build=$2
case $arch in
arm64) machine=aarch64 ;;
*) machine=$arch ;;
esac
for program in "qemu-$machine" "$machine-linux-gnu-g++"; do
    command -v "$program" >/dev/null || {
        echo "SKIP: $program is not installed"
        exit 77
    }
done

sysroot=''
need_root sysroot --sysroot "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$arch"
export PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$machine-linux-gnu/pkgconfig
cmake -S "$here/../.." -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$machine" \
    -DCMAKE_C_COMPILER="$machine-linux-gnu-gcc" -DCMAKE_CXX_COMPILER="$machine-linux-gnu-g++" \
    -DCMAKE_SYSROOT="$sysroot" -DCMAKE_FIND_ROOT_PATH="$sysroot" \
    -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
    -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-$machine;-L;$sysroot"
cmake --build "$build" --target xt_CONNMARK unit
readelf -h "$build/xtables/libxt_CONNMARK.so" | grep -E 'Class|Data|Machine'
"qemu-$machine" -L "$sysroot" "$build/tests/unit/unit" --gtest_brief=1
