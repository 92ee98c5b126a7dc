# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack on the trees that become the Debian packages: moves the debug symbols of each into a package of their
# own, where gdb finds them by the build ID. cpack's own way, CPACK_DEBIAN_DEBUGINFO_PACKAGE, makes one with wrong
# checksums and without a copyright file.

execute_process(COMMAND dpkg --print-architecture
  OUTPUT_VARIABLE architecture OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} variable)
  set(package ${CPACK_DEBIAN_${variable}_PACKAGE_NAME})
  set(code ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}${CPACK_CONNMARK_INSTALLED_${component}})
  execute_process(COMMAND readelf -SnW ${code} OUTPUT_VARIABLE sections COMMAND_ERROR_IS_FATAL ANY)
  if(NOT sections MATCHES "\\.debug_info" OR NOT sections MATCHES "Build ID: ([0-9a-f][0-9a-f])([0-9a-f]+)")
    message(FATAL_ERROR "no debug symbols in ${code}: build packages with CMAKE_BUILD_TYPE=RelWithDebInfo")
  endif()
  set(build_id ${CMAKE_MATCH_1}${CMAKE_MATCH_2})
  set(id_folder usr/lib/debug/.build-id/${CMAKE_MATCH_1})
  set(symbols ${id_folder}/${CMAKE_MATCH_2}.debug)

  set(name ${package}-dbgsym)
  set(tree ${CPACK_TOPLEVEL_DIRECTORY}/${name})
  file(REMOVE_RECURSE ${tree})
  file(MAKE_DIRECTORY ${tree}/DEBIAN ${tree}/${id_folder} ${tree}/usr/share/doc)
  file(CREATE_LINK ${package} ${tree}/usr/share/doc/${name} SYMBOLIC)
  foreach(command IN ITEMS
      "objcopy;--only-keep-debug;--compress-debug-sections;${code};${tree}/${symbols}"
      "strip;--strip-unneeded;--remove-section=.comment;${code}"
      "objcopy;--add-gnu-debuglink=${tree}/${symbols};${code}")
    execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()

  file(SIZE ${tree}/${symbols} size)
  math(EXPR size "(${size} + 1023) / 1024")
  file(MD5 ${tree}/${symbols} sum)
  file(WRITE ${tree}/DEBIAN/md5sums "${sum}  ${symbols}\n")
  file(WRITE ${tree}/DEBIAN/control "\
Package: ${name}
Version: ${CPACK_PACKAGE_VERSION}
Architecture: ${architecture}
Auto-Built-Package: debug-symbols
Maintainer: ${CPACK_PACKAGE_CONTACT}
Installed-Size: ${size}
Depends: ${package} (= ${CPACK_PACKAGE_VERSION})
Section: debug
Priority: optional
Description: debug symbols for ${package}
Build-Ids: ${build_id}
")
  execute_process(COMMAND chmod -R u=rwX,go=rX ${tree} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND chmod a-x ${tree}/${symbols} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${CPACK_CONNMARK_RELEASE_EPOCH}
      dpkg-deb --root-owner-group --build ${tree} ${CPACK_PACKAGE_DIRECTORY}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()
