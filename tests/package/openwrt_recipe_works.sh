#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The OpenWrt recipe next to the release tarball is a correct one, as far as can be told without OpenWrt: make reads it,
# its checksum fits, it has the fields that the build system asks for, and its steps build and install the one file,
# run in the order and with the variables of OpenWrt by the stand-ins below.

source "$(dirname "$0")/lib.sh"
needs cmake ninja git make sha256sum

make_checkout "$scratch/checkout"
make_tarball "$scratch/checkout" "$scratch/build"

top=$scratch/openwrt
package=$top/package/libxt-connmark
mkdir -p "$top/include" "$top/dl" "$package"
cp "$scratch/build/release/openwrt/Makefile" "$package"
cp "$scratch/build/release"/libxt_CONNMARK-*.tar.gz "$top/dl"

cat >"$top/rules.mk" <<'END'
INCLUDE_DIR:=$(TOPDIR)/include
DL_DIR:=$(TOPDIR)/dl
BUILD_DIR:=$(TOPDIR)/build_dir
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
END

cat >"$top/include/package.mk" <<'END'
PKG_INSTALL_DIR:=$(PKG_BUILD_DIR)/ipkg-install

define BuildPackage
$(call Package/$(1))
all:
	echo "$(PKG_HASH)  $(DL_DIR)/$(PKG_SOURCE)" | sha256sum --check --strict
	mkdir -p $(BUILD_DIR)
	tar -C $(BUILD_DIR) -xzf $(DL_DIR)/$(PKG_SOURCE)
	test -f $(PKG_BUILD_DIR)/$(PKG_LICENSE_FILES)
	$$(call Build/Configure/Default)
	$$(call Build/Compile/Default,all)
	$$(call Build/Install/Default)
	$$(call Package/$(1)/install,$(TOPDIR)/root)
fields:
	@printf '%s\n' '$(1)' '$(PKG_NAME)' '$(PKG_VERSION)' '$(PKG_RELEASE)' '$(PKG_LICENSE)' '$(PKG_MAINTAINER)' \
	    '$$(SECTION)' '$$(CATEGORY)' '$$(TITLE)' '$$(DEPENDS)' '$$(words $$(Package/$(1)/description))'
endef
END

cat >"$top/include/cmake.mk" <<'END'
define Build/Configure/Default
mkdir -p $(PKG_BUILD_DIR)
cd $(PKG_BUILD_DIR) && cmake -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG -DCMAKE_STRIP=: \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_SKIP_RPATH=TRUE -DCMAKE_GENERATOR=Ninja $(CMAKE_OPTIONS) $(PKG_BUILD_DIR)
endef
define Build/Compile/Default
ninja -C $(PKG_BUILD_DIR) $(1)
endef
define Build/Install/Default
DESTDIR=$(PKG_INSTALL_DIR) ninja -C $(PKG_BUILD_DIR) install
endef
END

openwrt_make() { make --no-print-directory --warn-undefined-variables -C "$package" TOPDIR="$top" "$@"; }

quietly openwrt_make all
! grep 'undefined variable' "$scratch/log" || fail "the recipe uses what is not there"
assert_equal "files" "/usr/lib/iptables/libxt_CONNMARK.so 755" "$(find "$top/root" -type f -printf '/%P %m\n')"
assert_same_file "the installed plugin" "$top"/build_dir/*/xtables/libxt_CONNMARK.so \
    "$top/root/usr/lib/iptables/libxt_CONNMARK.so"

mapfile -t fields < <(openwrt_make fields)
assert_equal "fields" "libxt-connmark libxt-connmark $(project_version) 1 GPL-2.0-or-later" "${fields[*]:0:5}"
assert_contains "maintainer" @ "${fields[5]}"
for field in "${fields[@]:6}"; do
    [[ -n $field && $field != 0 ]] || fail "a field of the package is empty: ${fields[*]}"
done
assert_contains "dependencies" +libxtables "${fields[9]}"

# What the checksum is for.
echo >>"$top/dl/$(basename "$top"/dl/*.tar.gz)"
! openwrt_make all >"$scratch/log" 2>&1 || fail "the recipe takes a tarball that is not the one it was written for"
assert_contains "make" "did NOT match" "$(<"$scratch/log")"
