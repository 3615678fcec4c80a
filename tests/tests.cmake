# tests.cmake: tests of the program and of what is installed. Each tests/cli/*.sh is one, run by the POSIX shell in an
# empty folder; cli/common says what it gets.
if(NOT TARGET automl_program)
  return()
endif()

add_executable(json_check tests/json_check.c)
target_link_libraries(json_check PRIVATE automl_flags automl_static)

add_library(kill_at MODULE tests/kill_at.c)
target_link_libraries(kill_at PRIVATE automl_flags ${CMAKE_DL_LIBS})
set_target_properties(kill_at PROPERTIES C_VISIBILITY_PRESET default)

# Commands that misbehave, for what runs commands; never instrumented, so that they die as others do.
add_executable(nasty tests/nasty.c)
target_compile_definitions(nasty PRIVATE _GNU_SOURCE)
add_dependencies(test_process nasty automl_program)

file(GLOB SCRIPTS CONFIGURE_DEPENDS tests/cli/*.sh)
foreach(file IN LISTS SCRIPTS)
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME cli_${name} COMMAND sh ${file})
  set_tests_properties(cli_${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "AUTOML=$<TARGET_FILE:automl_program>;JSON_CHECK=$<TARGET_FILE:json_check>;KILL_AT_LIBRARY=$<TARGET_FILE:kill_at>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR};CMAKE=${CMAKE_COMMAND};CC=${CMAKE_C_COMPILER};SANITIZE=$<BOOL:${AUTOML_SANITIZE}>;TSAN=$<BOOL:${AUTOML_TSAN}>;NO_COLOR=;OMP_WAIT_POLICY=passive")
endforeach()

# Against packages of other projects; skipped where they cannot be had.
add_executable(tree_models tests/interop/tree_models.c)
target_link_libraries(tree_models PRIVATE automl_flags automl_static PkgConfig::CMOCKA)
add_test(NAME interop_schema COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/schema.sh)
set_tests_properties(interop_schema PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT
  "AUTOML=$<TARGET_FILE:automl_program>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR}")
add_test(NAME interop_ranks COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/ranks.sh)
set_tests_properties(interop_ranks PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT
  "AUTOML=$<TARGET_FILE:automl_program>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR};OMP_WAIT_POLICY=passive")
add_test(NAME interop_shap COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/shap.sh)
set_tests_properties(interop_shap PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT
  "TREE_MODELS=$<TARGET_FILE:tree_models>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR}")

add_test(NAME interop_tune COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/tune.sh)
set_tests_properties(interop_tune PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT
  "AUTOML=$<TARGET_FILE:automl_program>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR}")
