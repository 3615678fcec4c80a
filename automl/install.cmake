# install.cmake: what is installed, how others find it, and the Debian package.
include(CMakePackageConfigHelpers)

set(AUTOML_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/automl)
set(AUTOML_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# ---- program, libraries, header
install(TARGETS automl EXPORT automlTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS automl_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS automl_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES automl/automl.h automl/automl_plugin.h automl/automl_status.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# The contracts of plug-ins, and what they include; they name automl.h from the root of the sources.
foreach(name arena bytes checkpoint ctx data export frame history learner lower metric par param rng sampler scheduler status step task text)
  install(FILES automl/core/${name}.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/automl/core)
endforeach()
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/forward/automl.h "/* automl.h is one folder up. */\n#include \"../automl.h\"\n")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/forward/automl.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/automl)
if(TARGET automl_mpi)
  install(TARGETS automl_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/automl COMPONENT mpi)
endif()

# ---- pkg-config: paths are relative to the file, so that the tree can be moved
file(RELATIVE_PATH AUTOML_PC_PREFIX /prefix/${AUTOML_PC_DIR} /prefix)
string(REGEX REPLACE "/$" "" AUTOML_PC_PREFIX "${AUTOML_PC_PREFIX}")
# The shared libraries themselves: as Requires.private they would bring their own static needs, a Fortran compiler's among them.
set(AUTOML_PC_LIBS ${LAPACKE_LDFLAGS} ${OPENBLAS_LDFLAGS} ${GSL_LDFLAGS} ${CJSON_LDFLAGS} ${ZLIB_LDFLAGS} ${ZSTD_LDFLAGS} ${SQLITE_LDFLAGS} -lm -lpthread)
list(REMOVE_DUPLICATES AUTOML_PC_LIBS)
list(JOIN AUTOML_PC_LIBS " " AUTOML_PC_LIBS)
if(AUTOML_OPENMP)
  string(APPEND AUTOML_PC_LIBS " ${OpenMP_C_FLAGS}")
endif()
configure_file(automl/automl.pc.in automl.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/automl.pc DESTINATION ${AUTOML_PC_DIR})

# ---- find_package(automl): the target automl::automl
install(EXPORT automlTargets NAMESPACE automl:: DESTINATION ${AUTOML_CMAKE_DIR})
configure_package_config_file(automl/automlConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/automlConfig.cmake
  INSTALL_DESTINATION ${AUTOML_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/automlConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/automlConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/automlConfigVersion.cmake DESTINATION ${AUTOML_CMAKE_DIR})

# ---- the JSON Schemas of experiments and sweeps, as this build has them
set(AUTOML_SCHEMAS "")
foreach(pair run/experiment tune/sweep)
  get_filename_component(verb ${pair} DIRECTORY)
  get_filename_component(name ${pair} NAME)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}.schema.json)
  add_custom_command(OUTPUT ${file} COMMAND automl_program ${verb} --print-schema > ${file}
    DEPENDS automl_program VERBATIM)
  list(APPEND AUTOML_SCHEMAS ${file})
endforeach()
add_custom_target(automl_schemas ALL DEPENDS ${AUTOML_SCHEMAS})
install(FILES ${AUTOML_SCHEMAS} DESTINATION ${CMAKE_INSTALL_DATADIR}/automl)

# ---- manual pages and completion: verbs and options as the program has them, functions as the header does
set(AUTOML_GENERATED ${CMAKE_CURRENT_BINARY_DIR}/share)
file(MAKE_DIRECTORY ${AUTOML_GENERATED})
set(AUTOML_MANUAL ${CMAKE_CURRENT_SOURCE_DIR}/automl/manual)
foreach(pair bash/automl zsh/_automl man/verbs)
  get_filename_component(kind ${pair} DIRECTORY)
  get_filename_component(name ${pair} NAME)
  add_custom_command(OUTPUT ${AUTOML_GENERATED}/${name} COMMAND automl_program completion ${kind} > ${AUTOML_GENERATED}/${name}
    DEPENDS automl_program VERBATIM)
endforeach()
function(automl_manual_page page part)
  add_custom_command(OUTPUT ${AUTOML_GENERATED}/${page}
    COMMAND awk -f ${AUTOML_MANUAL}/fill.awk -v version=${PROJECT_VERSION} ${AUTOML_MANUAL}/${page} ${part} > ${AUTOML_GENERATED}/${page}
    DEPENDS ${part} ${AUTOML_MANUAL}/${page} ${AUTOML_MANUAL}/fill.awk VERBATIM)
endfunction()
automl_manual_page(automl.1 ${AUTOML_GENERATED}/verbs)
automl_manual_page(libautoml.3 ${CMAKE_CURRENT_SOURCE_DIR}/automl/automl.h)
add_custom_target(automl_manual ALL DEPENDS ${AUTOML_GENERATED}/automl ${AUTOML_GENERATED}/_automl
  ${AUTOML_GENERATED}/automl.1 ${AUTOML_GENERATED}/libautoml.3)
install(FILES ${AUTOML_GENERATED}/automl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${AUTOML_GENERATED}/libautoml.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES ${AUTOML_GENERATED}/automl DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${AUTOML_GENERATED}/_automl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)

# ---- documents
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES automl/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- Debian package: cpack -G DEB
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME automl)
set(CPACK_PACKAGE_VENDOR automl)
set(CPACK_PACKAGE_CONTACT "automl developers <automl@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# without the module for MPI: the package would depend on it
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_CURRENT_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION "Takes a CSV file and a target column, and gives back a leaderboard and a model file
within a limit of time, trials or memory. With the C library libautoml and its header.
The source is under the Apache License 2.0; this binary links the GNU Scientific Library
and is distributed under the terms of the GNU GPL, version 3 or later.")
include(CPack)
