# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run by cpack last, on the trees that become the Debian packages: the same sources give the same packages, whenever and by
# whomever they were checked out and built.

execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_INSTALL_DIRECTORY} COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -exec touch -h -d @${CPACK_CONNMARK_RELEASE_EPOCH} {} +
  COMMAND_ERROR_IS_FATAL ANY)
