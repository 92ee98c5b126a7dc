# SPDX-License-Identifier: GPL-2.0-or-later
#
# Read by cpack before it packs. First, the libraries that each component's code needs, as dpkg-shlibdeps tells them.

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  execute_process(COMMAND dpkg-shlibdeps --warnings=0 -O -e${CPACK_CONNMARK_BUILT_${component}}
    WORKING_DIRECTORY ${CPACK_CONNMARK_CONFIGURED}
    OUTPUT_VARIABLE libraries OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "^shlibs:Depends=" "" libraries "${libraries}")

  # The functions that are called are older than what they were tested with: struct xtables_target, which the plugin
  # fills in, is the same from this version on.
  string(REGEX REPLACE "libxtables12( \\([^)]*\\))?" "libxtables12 (>= 1.8.7)" libraries "${libraries}")
  if(NOT libraries MATCHES "libxtables12")
    message(FATAL_ERROR "dpkg-shlibdeps found no libxtables12: ${libraries}")
  endif()
  string(TOUPPER ${component} variable)
  set(CPACK_DEBIAN_${variable}_PACKAGE_DEPENDS "${libraries}")
endforeach()

# cpack stamps the packages themselves with it.
set(ENV{SOURCE_DATE_EPOCH} ${CPACK_CONNMARK_RELEASE_EPOCH})
