# Manual pages, completions, documentation and Debian packages of both programs. `./run package` makes the packages;
# `cmake --install` takes the same files along, but for Debian's own. What the programs can do is asked of the built
# programs (`PROGRAM help`).

set(ALPINE_MAINTAINER "Alpine Sync <alpine-sync@alpine.example>" CACHE STRING "Maintainer of the Debian packages")
find_program(GZIP gzip REQUIRED)
find_program(AWK awk REQUIRED)

set(packaging ${CMAKE_CURRENT_LIST_DIR})
set(packages ${PROJECT_BINARY_DIR}/packages)
# The pages' date is the changelog's: two builds of the same sources are the same to the last byte.
file(STRINGS ${packaging}/changelog released REGEX "^ -- ")
string(REGEX REPLACE ".*  ..., ([0-9 ]+[A-Z][a-z]+ [0-9]+) .*" "\\1" released "${released}")

# OUTPUT is what the program's help becomes by SCRIPT, an awk program of this folder, and perhaps by a template.
function(alpine_from_help program output script)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${program} help > ${output}.help
    COMMAND ${AWK} -v template=${ARGN} -v version=${PROJECT_VERSION} "-v" "date=${released}" -f ${packaging}/help.awk
            -f ${packaging}/${script} < ${output}.help > ${output}
    DEPENDS ${program} ${packaging}/help.awk ${packaging}/${script} ${ARGN}
    VERBATIM)
endfunction()

# A manual page from its template (NAME.SECTION.in), packed. Adds it to the caller's `pages`.
function(alpine_manual program template)
  get_filename_component(page ${template} NAME_WLE)
  string(REGEX MATCH "[0-9]$" section ${page})
  set(made ${packages}/${program}/${page})
  alpine_from_help(${program} ${made} man.awk ${template})
  add_custom_command(OUTPUT ${made}.gz COMMAND ${GZIP} -9nc ${made} > ${made}.gz DEPENDS ${made} VERBATIM)
  install(FILES ${made}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${program})
  set(pages ${pages} ${made}.gz PARENT_SCOPE)
endfunction()

# All of one program beside the program itself; FOLDER is sender or receiver.
function(alpine_package folder)
  set(program alpine-${folder})
  set(own ${PROJECT_SOURCE_DIR}/${folder}/packaging)
  set(made ${packages}/${program})
  set(document ${CMAKE_INSTALL_DATADIR}/doc/${program})
  file(MAKE_DIRECTORY ${made})

  alpine_manual(${program} ${own}/${program}.1.in)
  if(folder STREQUAL "sender")
    alpine_manual(${program} ${own}/alpine-sender-setup.8.in)
    install(PROGRAMS ${PROJECT_SOURCE_DIR}/sender/setup-production-env.sh DESTINATION ${CMAKE_INSTALL_SBINDIR}
            RENAME alpine-sender-setup COMPONENT ${program})
    install(FILES ${own}/config.json DESTINATION ${document}/examples COMPONENT ${program})
  endif()
  alpine_from_help(${program} ${made}/${program} bash.awk)
  alpine_from_help(${program} ${made}/_${program} zsh.awk)
  add_custom_command(OUTPUT ${made}/changelog.gz COMMAND ${GZIP} -9nc ${packaging}/changelog > ${made}/changelog.gz
                     DEPENDS ${packaging}/changelog VERBATIM)
  add_custom_target(${program}-documents ALL DEPENDS ${pages} ${made}/${program} ${made}/_${program} ${made}/changelog.gz)

  install(FILES ${made}/${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${program})
  install(FILES ${made}/_${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT ${program})
  install(FILES ${own}/${folder}.env DESTINATION ${document}/examples COMPONENT ${program})
  install(FILES ${made}/changelog.gz ${packaging}/copyright ${own}/README.Debian DESTINATION ${document}
          COMPONENT ${program})

  set(PROGRAM ${program})
  foreach(script postinst prerm)
    configure_file(${packaging}/${script}.in ${made}/control/${script} @ONLY FILE_PERMISSIONS
                   OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endforeach()
  configure_file(${own}/postrm ${made}/control/postrm COPYONLY FILE_PERMISSIONS
                 OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

alpine_package(sender)
alpine_package(receiver)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME alpine-sync)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${packages})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL alpine-sender alpine-receiver)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${ALPINE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_DEBIAN_ALPINE-SENDER_PACKAGE_NAME alpine-sender)
set(CPACK_DEBIAN_ALPINE-SENDER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_ALPINE-SENDER_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_ALPINE-SENDER_DESCRIPTION "carries Argo's trading signals to Alpine, each one once
Reads trading signals from Argo's SQLite file and log, verifies the SHA-256 of
each, and sends it over HTTP to alpine-receiver until that has stored it.
Nothing is lost and nothing is doubled, whatever stops or restarts meanwhile.
.
It runs on Argo's host, as Argo's user. Installing it starts nothing.")

set(CPACK_DEBIAN_ALPINE-RECEIVER_PACKAGE_NAME alpine-receiver)
set(CPACK_DEBIAN_ALPINE-RECEIVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_ALPINE-RECEIVER_PACKAGE_SUGGESTS "postgresql")
set(CPACK_DEBIAN_ALPINE-RECEIVER_DESCRIPTION "stores trading signals in Alpine's database, each one once
Takes trading signals over HTTP from alpine-sender, verifies the SHA-256 of
each, drops those that are there already, and stores the rest in PostgreSQL
before it answers.
.
It runs on Alpine's server, beside the database. Installing it starts nothing.")
foreach(name SENDER RECEIVER)
  string(TOLOWER alpine-${name} program)
  set(control ${packages}/${program}/control)
  set(CPACK_DEBIAN_ALPINE-${name}_PACKAGE_CONTROL_EXTRA ${control}/postinst ${control}/prerm ${control}/postrm)
endforeach()
include(CPack)
