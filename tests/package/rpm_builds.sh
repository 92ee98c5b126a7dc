#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rpmbuild makes packages of the release tarball and the spec next to it, in both of the spec's ways.

source "$(dirname "$0")/lib.sh"
needs cmake ninja git rpmbuild rpm2archive eu-strip readelf

version=$(project_version)
make_checkout "$scratch/checkout"
make_tarball "$scratch/checkout" "$scratch/build"

# build_rpms FOLDER OPTION...: the packages needed to build are Debian's here, of which rpm knows nothing.
build_rpms() {
    mkdir -p "$1/SOURCES"
    cp "$scratch/build/release/libxt_CONNMARK-$version.tar.gz" "$1/SOURCES"
    quietly rpmbuild -bb --nodeps --define "_topdir $1" --define "_tmppath $scratch" "${@:2}" \
        "$scratch/build/release/libxt-connmark.spec"
    package=("$1"/RPMS/*/libxt-connmark-"$version"-1*.rpm)
    symbols=("$1"/RPMS/*/libxt-connmark-debuginfo-"$version"-1*.rpm)
}

# Folders are the package's own; some releases of rpm put the version into the names of those of documents.
assert_files() { # FOLDER_OF_PLUGIN FOLDER...
    assert_equal "files" "$(printf '%s\n' "$1/libxt_CONNMARK.so" "${@:2}" \
        /usr/share/doc/libxt-connmark{,/README.md,/CHANGELOG.md} /usr/share/licenses/libxt-connmark{,/LICENSE} \
        /usr/share/man/man8/libxt_CONNMARK.8 | sort)" \
        "$(rpm -qpl "${package[0]}" | sed -E "s|(/libxt-connmark)-$version|\1|; s|\.8\.[gx]z$|.8|" | sort)"
}

lib=$(rpm --eval '%{_libdir}')
build_rpms "$scratch/rpm"
assert_files "$lib/xtables-connmark" "$lib/xtables-connmark"
assert_contains "needed libraries" libxtables.so.12 "$(rpm -qp --requires "${package[0]}")"
assert_equal "libraries offered to others" "" "$(rpm -qp --provides "${package[0]}" | grep CONNMARK || true)"

mkdir "$scratch/unpacked"
(cd "$scratch/unpacked" && rpm2archive - <"${package[0]}" 2>/dev/null | tar -xzf -)
build_id=$(readelf -n "$scratch/unpacked$lib/xtables-connmark/libxt_CONNMARK.so" | sed -n 's/^ *Build ID: //p')
[[ -n $build_id ]] || fail "the plugin has no build ID"
assert_contains "files of the debug symbols" "/usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug" \
    "$(rpm -qpl "${symbols[0]}")"

build_rpms "$scratch/replacing" --with replace
assert_files "$lib/xtables"
