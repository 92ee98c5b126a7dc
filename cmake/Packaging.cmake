# SPDX-License-Identifier: GPL-2.0-or-later
#
# What leaves the build tree: `cmake --install` and the target `uninstall`, the target `release_tarball`, and packages.
# Included before the folders that install something, since the file that will be replaced is kept first.
#
# The Debian packages, each with a package of its debug symbols, in build/package:
#     cmake --preset package && cmake --build --preset package
# What is installed has the component "plugin" or "command", which become the packages libxt-connmark and connmark.

include(cmake/Changelog.cmake)
set(PACKAGE_NAME libxt-connmark)
set(PACKAGE_MAINTAINER "libxt_CONNMARK maintainers <maintainers@libxt-connmark.example>")
read_changelog(CHANGELOG.md ${PROJECT_VERSION})

# -- cmake --install and uninstall ------------------------------------------------------------------------------

configure_file(cmake/KeepReplacedPlugin.cmake.in packaging/KeepReplacedPlugin.cmake @ONLY)
install(SCRIPT ${PROJECT_BINARY_DIR}/packaging/KeepReplacedPlugin.cmake COMPONENT plugin)

add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt
    -DPLUGIN=$<TARGET_FILE:xt_CONNMARK> -P ${PROJECT_SOURCE_DIR}/cmake/Uninstall.cmake
  VERBATIM)

# -- the source tarball -----------------------------------------------------------------------------------------

configure_file(packaging/rpm/libxt-connmark.spec.in packaging/libxt-connmark.spec @ONLY)
add_custom_target(release_tarball
  COMMAND ${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION} -DPACKAGE_NAME=${PACKAGE_NAME}
    -DPACKAGE_MAINTAINER=${PACKAGE_MAINTAINER} -DOUTPUT=${PROJECT_BINARY_DIR}/release
    -DSPEC=${PROJECT_BINARY_DIR}/packaging/libxt-connmark.spec -P ${PROJECT_SOURCE_DIR}/cmake/ReleaseTarball.cmake
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  VERBATIM)

# -- the Debian packages ----------------------------------------------------------------------------------------

# Debug symbols that name no folder of this machine, so that they are the same wherever they are made.
foreach(folder IN ITEMS ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  add_compile_options("$<$<CONFIG:RelWithDebInfo>:-ffile-prefix-map=${folder}=.>")
endforeach()

foreach(name IN ITEMS preinst postrm)
  configure_file(packaging/debian/${name}.in packaging/debian/${name} @ONLY)
endforeach()
# dpkg-shlibdeps runs only next to such a file.
file(WRITE ${PROJECT_BINARY_DIR}/packaging/debian/control "Source: ${PACKAGE_NAME}\n\nPackage: ${PACKAGE_NAME}\nArchitecture: any\n")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ${PACKAGE_NAME})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${PACKAGE_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own, the first line below
set(CPACK_COMPONENTS_ALL plugin)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)

set(CPACK_DEBIAN_PLUGIN_PACKAGE_NAME ${PACKAGE_NAME})
set(CPACK_DEBIAN_PLUGIN_PACKAGE_RECOMMENDS iptables)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_ENHANCES iptables)
set(CPACK_DEBIAN_PLUGIN_DESCRIPTION
"CONNMARK target of iptables, for connection and packet marks
CONNMARK edits the 32-bit mark of a connection and copies it to and from
packets, which policy routing, VPN clients, traffic shaping and Kubernetes
networks rely on.

This package takes the place of the plugin in the package iptables, for
iptables and ip6tables in both their legacy and their nft variants. Rules do
the same; translations to nft are exact, and no answer of the kernel makes it
crash. When it is removed, the plugin of iptables is back.")
set(CPACK_DEBIAN_PLUGIN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/packaging/debian/preinst ${PROJECT_BINARY_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)

if(CONNMARK_BUILD_COMMAND)
  list(APPEND CPACK_COMPONENTS_ALL command)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME connmark)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS iptables)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "${PACKAGE_NAME}, nftables")
  set(CPACK_DEBIAN_COMMAND_DESCRIPTION
"see who owns which bit of packet and connection marks
The 32 bits of a mark are shared by routing, VPN clients, Kubernetes networks
and traffic shaping, and one rule without a mask overwrites them all.

This command explains what a CONNMARK or MARK rule does to each bit, writes it
in nft, audits the rules of a machine or of saved files for bits that several
programs write, and counts live connections by their marks.")
endif()

set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/DebianDependencies.cmake)
set(CPACK_PRE_BUILD_SCRIPTS
  ${PROJECT_SOURCE_DIR}/cmake/DebianDocuments.cmake
  ${PROJECT_SOURCE_DIR}/cmake/DebianDebugSymbols.cmake
  ${PROJECT_SOURCE_DIR}/cmake/DebianFileStamps.cmake)
# Read by these: for each component its file with code, as built and as installed.
set(CPACK_CONNMARK_BUILT_plugin ${PROJECT_BINARY_DIR}/xtables/libxt_CONNMARK.so)
set(CPACK_CONNMARK_INSTALLED_plugin ${XTLIBDIR}/libxt_CONNMARK.so)
set(CPACK_CONNMARK_BUILT_command ${PROJECT_BINARY_DIR}/command/connmark)
set(CPACK_CONNMARK_INSTALLED_command /usr/${CMAKE_INSTALL_BINDIR}/connmark)
set(CPACK_CONNMARK_PACKAGING ${PROJECT_SOURCE_DIR}/packaging)
set(CPACK_CONNMARK_CONFIGURED ${PROJECT_BINARY_DIR}/packaging)
set(CPACK_CONNMARK_RELEASE_EPOCH ${CHANGELOG_EPOCH})
include(CPack)
