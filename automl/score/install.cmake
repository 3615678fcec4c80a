# install.cmake: the scoring library: libraries, header, manual page, pkg-config, find_package(automl_score), and the
# extension of SQLite that is made of it.
include(CMakePackageConfigHelpers)
set(SCORE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/automl_score)
set(SCORE_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS automl_score EXPORT automl_scoreTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS automl_score_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS automl_sqlite LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/automl)
install(FILES automl/automl_score.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES automl/score/libautoml_score.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES examples/score.c examples/automl_sqlite.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# Paths are relative to the file, so that the tree can be moved.
file(RELATIVE_PATH SCORE_PC_PREFIX /prefix/${SCORE_PC_DIR} /prefix)
string(REGEX REPLACE "/$" "" SCORE_PC_PREFIX "${SCORE_PC_PREFIX}")
configure_file(automl/score/automl_score.pc.in automl_score.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/automl_score.pc DESTINATION ${SCORE_PC_DIR})

install(EXPORT automl_scoreTargets NAMESPACE automl:: DESTINATION ${SCORE_CMAKE_DIR})
configure_package_config_file(automl/score/automl_scoreConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/automl_scoreConfig.cmake
  INSTALL_DESTINATION ${SCORE_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/automl_scoreConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/automl_scoreConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/automl_scoreConfigVersion.cmake DESTINATION ${SCORE_CMAKE_DIR})
