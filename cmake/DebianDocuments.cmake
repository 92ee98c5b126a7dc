# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack on the tree that becomes the Debian package: adds the documents that Debian's policy asks for.

set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
set(documents ${share}/doc/${CPACK_PACKAGE_NAME})

file(MAKE_DIRECTORY ${documents} ${share}/lintian/overrides)
file(COPY_FILE ${CPACK_CONNMARK_PACKAGING}/debian/copyright ${documents}/copyright)
file(COPY_FILE ${CPACK_CONNMARK_CONFIGURED}/changelog ${documents}/changelog)
file(COPY_FILE ${CPACK_CONNMARK_PACKAGING}/debian/lintian-overrides ${share}/lintian/overrides/${CPACK_PACKAGE_NAME})
file(GLOB manuals ${share}/man/man8/*.8)
execute_process(COMMAND gzip -9n ${documents}/changelog ${manuals} COMMAND_ERROR_IS_FATAL ANY)
