# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack on the trees that become the Debian packages: adds the documents that Debian's policy asks for.

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} variable)
  set(package ${CPACK_DEBIAN_${variable}_PACKAGE_NAME})
  set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component}/usr/share)
  set(documents ${share}/doc/${package})

  file(MAKE_DIRECTORY ${documents})
  file(COPY_FILE ${CPACK_CONNMARK_PACKAGING}/debian/copyright ${documents}/copyright)
  file(COPY_FILE ${CPACK_CONNMARK_CONFIGURED}/changelog ${documents}/changelog)
  set(overrides ${CPACK_CONNMARK_PACKAGING}/debian/${package}.lintian-overrides)
  if(EXISTS ${overrides})
    file(MAKE_DIRECTORY ${share}/lintian/overrides)
    file(COPY_FILE ${overrides} ${share}/lintian/overrides/${package})
  endif()
  file(GLOB manuals ${share}/man/man8/*.8)
  execute_process(COMMAND gzip -9n ${documents}/changelog ${manuals} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
