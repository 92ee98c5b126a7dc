# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DVERSION=... -DPACKAGE_NAME=... -DPACKAGE_MAINTAINER=... -DSPEC=FILE -DOUTPUT=FOLDER -P ReleaseTarball.cmake
#
# In a git checkout: writes the source tarball of the last commit to OUTPUT, and next to it the RPM spec and the recipes
# for Alpine and OpenWrt that build from it. The same commit gives the same bytes: its date is every file's, and neither
# the user's git settings nor the clock have a say.

# The checkout may belong to somebody else than who releases it.
set(git git -c safe.directory=* -c core.attributesFile=/dev/null -c core.autocrlf=false -c tar.umask=0022)

execute_process(COMMAND ${git} status --porcelain OUTPUT_VARIABLE changes COMMAND_ERROR_IS_FATAL ANY)
if(changes)
  message(FATAL_ERROR "a release is made of a commit, and these files differ from the last one:\n${changes}")
endif()

file(MAKE_DIRECTORY "${OUTPUT}")
set(name libxt_CONNMARK-${VERSION})
set(tarball "${OUTPUT}/${name}.tar.gz")
execute_process(
  COMMAND ${git} archive --format=tar --prefix=${name}/ HEAD
  COMMAND gzip -9n
  OUTPUT_FILE "${tarball}" COMMAND_ERROR_IS_FATAL ANY)

file(SHA512 "${tarball}" TARBALL_SHA512)
configure_file(packaging/alpine/APKBUILD.in "${OUTPUT}/APKBUILD" @ONLY)
file(SHA256 "${tarball}" TARBALL_SHA256)
configure_file(packaging/openwrt/Makefile.in "${OUTPUT}/openwrt/Makefile" @ONLY)
file(COPY "${SPEC}" DESTINATION "${OUTPUT}")
message(STATUS "Written: ${tarball}")
