# SPDX-License-Identifier: GPL-2.0-or-later

# read_changelog(FILE VERSION): writes packaging/changelog into the build folder, FILE in Debian's format, and sets
# CHANGELOG_EPOCH and CHANGELOG_RPM_DATE, the date of its first entry. That must be VERSION's.
#
# An entry is "## VERSION (YYYY-MM-DD)" and paragraphs of at most 76 columns.
function(read_changelog file version)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  # file(STRINGS) would drop the empty lines, and a semicolon would end an element of the list.
  file(READ ${file} text)
  string(REPLACE ";" "\\;" text "${text}")
  string(REPLACE "\n" ";" lines "${text}")

  set(debian "")
  set(trailer "")
  set(bullet "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^## ([^ ]+) \\(([0-9-]+)\\)$")
      set(entry_version ${CMAKE_MATCH_1})
      execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C
          date -u -d ${CMAKE_MATCH_2} "+%s|%a %b %d %Y|%a, %d %b %Y %T %z"
        OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
      string(REPLACE "|" ";" date "${date}")
      list(GET date 2 debian_date)
      if(NOT trailer)
        if(NOT entry_version STREQUAL version)
          message(FATAL_ERROR "${file} begins with ${entry_version}, and the project's version is ${version}")
        endif()
        list(GET date 0 epoch)
        list(GET date 1 rpm_date)
      endif()
      string(APPEND debian "${trailer}${PACKAGE_NAME} (${entry_version}) unstable; urgency=medium\n")
      set(trailer "\n -- ${PACKAGE_MAINTAINER}  ${debian_date}\n")
    elseif(NOT trailer)
      # The title.
    elseif(line STREQUAL "")
      set(bullet "\n  * ")
    else()
      string(APPEND debian "${bullet}${line}\n")
      set(bullet "    ")
    endif()
  endforeach()
  file(WRITE ${PROJECT_BINARY_DIR}/packaging/changelog "${debian}${trailer}")
  set(CHANGELOG_EPOCH ${epoch} PARENT_SCOPE)
  set(CHANGELOG_RPM_DATE ${rpm_date} PARENT_SCOPE)
endfunction()
