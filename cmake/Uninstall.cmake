# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -DMANIFEST=FILE -DPLUGIN=FILE -P Uninstall.cmake
#
# Removes the files that MANIFEST lists, under DESTDIR as `cmake --install` does, and puts the plugin back that the
# install has replaced. A plugin that is not the built file PLUGIN is left alone: an upgrade of iptables may have
# written its own over ours since, and without one its CONNMARK rules could no longer be read.

if(NOT EXISTS "${MANIFEST}")
  message(FATAL_ERROR "nothing was installed from this build folder: there is no ${MANIFEST}")
endif()
file(STRINGS "${MANIFEST}" files)
foreach(file IN LISTS files)
  set(file "$ENV{DESTDIR}${file}")
  if(NOT EXISTS "${file}" AND NOT IS_SYMLINK "${file}")
    message(STATUS "Not there: ${file}")
    continue()
  endif()
  if(file MATCHES "/libxt_CONNMARK\\.so$")
    execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files "${file}" "${PLUGIN}"
      RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
    if(differs)
      message(WARNING "left alone, since it is not what was built here: ${file}\n"
        "What the install had replaced, if anything, is ${file}.replaced")
      continue()
    endif()
    if(EXISTS "${file}.replaced")
      message(STATUS "Putting back: ${file}")
      file(RENAME "${file}.replaced" "${file}")
      continue()
    endif()
  endif()
  message(STATUS "Removing: ${file}")
  file(REMOVE "${file}")
endforeach()
file(REMOVE "${MANIFEST}")
