# SPDX-License-Identifier: GPL-2.0-or-later
#
# Read by cpack before it packs. First, the libraries that the built plugin needs, as dpkg-shlibdeps tells them.

execute_process(COMMAND dpkg-shlibdeps --warnings=0 -O -e${CPACK_CONNMARK_PLUGIN}
  WORKING_DIRECTORY ${CPACK_CONNMARK_CONFIGURED}
  OUTPUT_VARIABLE libraries OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "^shlibs:Depends=" "" libraries "${libraries}")

# The functions that the plugin calls are older than what it was tested with: struct xtables_target, which it fills in,
# is the same from this version on.
string(REGEX REPLACE "libxtables12( \\([^)]*\\))?" "libxtables12 (>= 1.8.7)" libraries "${libraries}")
if(NOT libraries MATCHES "libxtables12")
  message(FATAL_ERROR "dpkg-shlibdeps found no libxtables12: ${libraries}")
endif()
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${libraries}")

# cpack stamps the package itself with it.
set(ENV{SOURCE_DATE_EPOCH} ${CPACK_CONNMARK_RELEASE_EPOCH})
