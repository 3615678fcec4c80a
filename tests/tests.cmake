# tests.cmake: tests of the program and of what is installed. Each tests/cli/*.sh is one, run by the POSIX shell in an
# empty folder; cli/common says what it gets.
if(NOT TARGET automl_program)
  return()
endif()

add_executable(json_check tests/json_check.c)
target_link_libraries(json_check PRIVATE automl_flags automl_static)

add_library(fault_at MODULE tests/fault_at.c)
target_link_libraries(fault_at PRIVATE automl_flags ${CMAKE_DL_LIBS})
set_target_properties(fault_at PROPERTIES C_VISIBILITY_PRESET default)

add_executable(sql tests/sql.c)
target_link_libraries(sql PRIVATE automl_flags PkgConfig::SQLITE)

# The scoring library beside the engine in one program; what it allocates is counted.
target_link_libraries(test_score PRIVATE automl_score_static)
target_link_libraries(test_score_doors PRIVATE automl_score_static)
target_link_libraries(test_score_threads PRIVATE automl_score_static)
target_link_options(test_score PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc)

target_link_libraries(test_export PRIVATE ${CMAKE_DL_LIBS}) # loads what it exports

# The nasty inputs: tests/nasty/cases.tsv, in three tests by the first letters of its cases.
add_executable(forge tests/nasty/forge.c)
target_link_libraries(forge PRIVATE automl_flags automl_static)
add_library(clock_back MODULE tests/nasty/clock_back.c)
target_link_libraries(clock_back PRIVATE automl_flags ${CMAKE_DL_LIBS})
set_target_properties(clock_back PROPERTIES C_VISIBILITY_PRESET default)

# Commands that misbehave, for what runs commands; never instrumented, so that they die as others do.
add_executable(nasty tests/nasty.c)
target_compile_definitions(nasty PRIVATE _GNU_SOURCE)
add_dependencies(test_process nasty automl_program)

set(LEAKS 0) # by LeakSanitizer alone, which needs not be loaded first
if(CMAKE_C_FLAGS MATCHES "-fsanitize=leak")
  set(LEAKS 1)
endif()
file(GLOB SCRIPTS CONFIGURE_DEPENDS tests/cli/*.sh)
foreach(file IN LISTS SCRIPTS)
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME cli_${name} COMMAND sh ${file})
  set_tests_properties(cli_${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "AUTOML=$<TARGET_FILE:automl_program>;JSON_CHECK=$<TARGET_FILE:json_check>;FAULT_LIBRARY=$<TARGET_FILE:fault_at>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR};SCORE=$<TARGET_FILE:automl_score>;RELEASE=$<CONFIG:Release>;SQL=$<TARGET_FILE:sql>;SQLITE_EXTENSION=$<TARGET_FILE:automl_sqlite>;SCORE_STATIC=$<TARGET_FILE:automl_score_static>;CMAKE=${CMAKE_COMMAND};CC=${CMAKE_C_COMPILER};SANITIZE=$<BOOL:${AUTOML_SANITIZE}>;TSAN=$<BOOL:${AUTOML_TSAN}>;LEAKS=${LEAKS};HARDEN=$<AND:$<BOOL:${AUTOML_HARDEN}>,$<NOT:$<BOOL:${AUTOML_INSTRUMENTED}>>>;LIBRARY=$<TARGET_FILE:automl>;NO_COLOR=;OMP_WAIT_POLICY=passive")
endforeach()

get_test_property(cli_train ENVIRONMENT ENVIRONMENT)
foreach(letters CV JMX SH)
  add_test(NAME nasty_${letters} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/tests/nasty/run.sh ${letters})
  set_tests_properties(nasty_${letters} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "${ENVIRONMENT};FORGE=$<TARGET_FILE:forge>;CLOCK_LIBRARY=$<TARGET_FILE:clock_back>")
endforeach()

# Faults on purpose: a sanitizer that does not report its own is not at work.
add_executable(seeded tests/checks/seeded.c)
target_link_libraries(seeded PRIVATE automl_flags automl_static)
function(automl_seeded fault report)
  add_test(NAME seeded_${fault} COMMAND seeded ${fault})
  set_tests_properties(seeded_${fault} PROPERTIES PASS_REGULAR_EXPRESSION "${report}" ENVIRONMENT "OMP_WAIT_POLICY=passive")
endfunction()
if(AUTOML_SANITIZE)
  automl_seeded(overflow "AddressSanitizer: heap-buffer-overflow")
  automl_seeded(shift "runtime error: shift exponent 32 is too large")
endif()
if(AUTOML_SANITIZE OR LEAKS)
  automl_seeded(leak "LeakSanitizer: detected memory leaks")
endif()
if(AUTOML_TSAN)
  automl_seeded(race "ThreadSanitizer: data race")
  automl_seeded(race_of_blocks "ThreadSanitizer: data race")
endif()

# What fuzzing starts from and what it found, as a test each: tests/corpus/NAME through fuzz_NAME.
file(GLOB FUZZERS CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(file IN LISTS FUZZERS)
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE fuzz_ "" corpus ${name})
  if(NOT AUTOML_FUZZ AND IS_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/tests/corpus/${corpus})
    add_executable(replay_${corpus} ${file} tests/fuzz/replay.c)
    automl_fuzz_target(replay_${corpus} ${name})
    add_test(NAME ${name} COMMAND replay_${corpus} ${CMAKE_CURRENT_SOURCE_DIR}/tests/corpus/${corpus})
  endif()
endforeach()

# Against other projects: tests/interop/*.sh are tests as well, its programs write models for them; interop/common says what they
# get. Skipped where the others cannot be had.
set(ENVIRONMENT "AUTOML=$<TARGET_FILE:automl_program>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};BUILD=${CMAKE_CURRENT_BINARY_DIR};OMP_WAIT_POLICY=passive")
foreach(program tree_models export_models onnx_models)
  add_executable(${program} tests/interop/${program}.c)
  target_link_libraries(${program} PRIVATE automl_flags automl_static PkgConfig::CMOCKA)
  string(TOUPPER ${program} variable)
  list(APPEND ENVIRONMENT "${variable}=$<TARGET_FILE:${program}>")
endforeach()
file(GLOB SCRIPTS CONFIGURE_DEPENDS tests/interop/*.sh)
foreach(file IN LISTS SCRIPTS)
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME interop_${name} COMMAND sh ${file})
  set_tests_properties(interop_${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT "${ENVIRONMENT}")
endforeach()
set_tests_properties(interop_python PROPERTIES TIMEOUT 3600) # builds the library

# The Python package with the library of this build.
add_test(NAME python COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/python/tests/run.sh)
set_tests_properties(python PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 ENVIRONMENT
  "AUTOML_LIBRARY=$<TARGET_FILE:automl>;ROOT=${CMAKE_CURRENT_SOURCE_DIR};CC=${CMAKE_C_COMPILER};SANITIZE=$<BOOL:${AUTOML_SANITIZE}>;TSAN=$<BOOL:${AUTOML_TSAN}>;OMP_WAIT_POLICY=passive")

# Random calls of the interface, misuse included; longer by hand and under sanitizers: stress_api SEED CALLS.
file(GLOB SOURCES CONFIGURE_DEPENDS tests/stress/*.c)
add_executable(stress_api ${SOURCES})
target_link_libraries(stress_api PRIVATE automl_flags automl_static)
foreach(seed 1 2)
  add_test(NAME stress_api_${seed} COMMAND stress_api ${seed} 60000)
  set_tests_properties(stress_api_${seed} PROPERTIES TIMEOUT 600 ENVIRONMENT "OMP_WAIT_POLICY=passive")
endforeach()
