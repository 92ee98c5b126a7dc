# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack on the tree that becomes the Debian package: moves the debug symbols of the plugin into a package of
# their own, where gdb finds them by the build ID. cpack's own way, CPACK_DEBIAN_DEBUGINFO_PACKAGE, makes one with wrong
# checksums and without a copyright file.

set(plugin ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_CONNMARK_INSTALLED_PLUGIN})
execute_process(COMMAND readelf -SnW ${plugin} OUTPUT_VARIABLE sections COMMAND_ERROR_IS_FATAL ANY)
if(NOT sections MATCHES "\\.debug_info" OR NOT sections MATCHES "Build ID: ([0-9a-f][0-9a-f])([0-9a-f]+)")
  message(FATAL_ERROR "the plugin has no debug symbols: build packages with CMAKE_BUILD_TYPE=RelWithDebInfo")
endif()
set(id_folder usr/lib/debug/.build-id/${CMAKE_MATCH_1})
set(id_file ${CMAKE_MATCH_2}.debug)

set(name ${CPACK_PACKAGE_NAME}-dbgsym)
set(tree ${CPACK_TOPLEVEL_DIRECTORY}/${name})
file(REMOVE_RECURSE ${tree})
file(MAKE_DIRECTORY ${tree}/DEBIAN ${tree}/${id_folder} ${tree}/usr/share/doc)
file(CREATE_LINK ${CPACK_PACKAGE_NAME} ${tree}/usr/share/doc/${name} SYMBOLIC)
foreach(command IN ITEMS
    "objcopy;--only-keep-debug;--compress-debug-sections;${plugin};${tree}/${id_folder}/${id_file}"
    "strip;--strip-unneeded;--remove-section=.comment;${plugin}"
    "objcopy;--add-gnu-debuglink=${tree}/${id_folder}/${id_file};${plugin}")
  execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

execute_process(COMMAND dpkg --print-architecture
  OUTPUT_VARIABLE architecture OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${tree}/${id_folder}/${id_file} size)
math(EXPR size "(${size} + 1023) / 1024")
file(MD5 ${tree}/${id_folder}/${id_file} sum)
file(WRITE ${tree}/DEBIAN/md5sums "${sum}  ${id_folder}/${id_file}\n")
file(WRITE ${tree}/DEBIAN/control "\
Package: ${name}
Version: ${CPACK_PACKAGE_VERSION}
Architecture: ${architecture}
Auto-Built-Package: debug-symbols
Maintainer: ${CPACK_PACKAGE_CONTACT}
Installed-Size: ${size}
Depends: ${CPACK_PACKAGE_NAME} (= ${CPACK_PACKAGE_VERSION})
Section: debug
Priority: optional
Description: debug symbols for ${CPACK_PACKAGE_NAME}
Build-Ids: ${CMAKE_MATCH_1}${CMAKE_MATCH_2}
")
execute_process(COMMAND chmod -R u=rwX,go=rX ${tree} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod a-x ${tree}/${id_folder}/${id_file} COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${CPACK_CONNMARK_RELEASE_EPOCH}
    dpkg-deb --root-owner-group --build ${tree} ${CPACK_PACKAGE_DIRECTORY}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
