# score.cmake: libautoml_score, which loads models and predicts: the sources below compiled a second time with AML_SCORE,
# without what only training needs. A file that a learner or step begins to need for predicting is added here (the
# linker names what is missing).
set(SCORE_CORE arena bytes call csv_amount csv_values ctx data datetime frame json_access level_index par rng
  sort status task text text_decimal text_items text_number text_powers text_utf8)
set(SCORE_ENGINE calibration chain conform fits manifest_predict manifest_score model modelfile predict)
list(TRANSFORM SCORE_CORE REPLACE "(.+)" "automl/core/\\1.c")
list(TRANSFORM SCORE_ENGINE REPLACE "(.+)" "automl/engine/\\1.c")
file(GLOB SCORE_OWN CONFIGURE_DEPENDS automl/score/*.c)
file(GLOB SCORE_PARTS CONFIGURE_DEPENDS featurize/parts/*.c)
set(SCORE_LEARNERS boost boost_loss forest forest_learner forest_quantile linear_model neighbours
  neighbours_coarse neighbours_kernels neighbours_nearest neighbours_tree neighbours_vote
  neighbours_bound nn_file nn_gemm nn_input nn_kernels nn_net nn_terms rows tree tree_file tree_masks
  tree_masks_rows tree_masks_sets tree_plan tree_predict tree_row tree_walk calibrate level_codes)
list(TRANSFORM SCORE_LEARNERS REPLACE "(.+)" "learners/parts/\\1.c")

# Where the time goes; all else is compiled for size, which does not change what it computes.
set(SCORE_KERNELS neighbours_kernels nn_gemm)
list(TRANSFORM SCORE_KERNELS REPLACE "(.+)" "learners/parts/\\1.c")
list(REMOVE_ITEM SCORE_LEARNERS ${SCORE_KERNELS})

add_library(automl_score_kernels OBJECT ${SCORE_KERNELS})
add_library(automl_score_others OBJECT ${SCORE_CORE} ${SCORE_ENGINE} ${SCORE_OWN} ${SCORE_PARTS}
  ${SCORE_LEARNERS} ${LEARNERS} ${STEPS})
foreach(objects automl_score_kernels automl_score_others)
  target_link_libraries(${objects} PRIVATE automl_flags)
  target_compile_definitions(${objects} PRIVATE AML_SCORE AML_API=)
  target_compile_options(${objects} PRIVATE -ffunction-sections -fdata-sections
    -fno-asynchronous-unwind-tables)
endforeach()
target_compile_options(automl_score_others PRIVATE "$<$<CONFIG:Release>:-O2>"
  "$<$<AND:$<CONFIG:Release>,$<C_COMPILER_ID:GNU>>:-fvect-cost-model=dynamic>")

set(SCORE_OBJECTS $<TARGET_OBJECTS:automl_score_kernels> $<TARGET_OBJECTS:automl_score_others>)
add_library(automl_score SHARED ${SCORE_OBJECTS})
target_link_libraries(automl_score PRIVATE automl_flags m)
target_link_options(automl_score PRIVATE -Wl,--gc-sections -Wl,--as-needed -Wl,-z,noseparate-code) # pages that are mostly padding
if(NOT AUTOML_SANITIZE AND NOT AUTOML_TSAN AND NOT AUTOML_FUZZ) # their runtime is in the program
  target_link_options(automl_score PRIVATE -Wl,-z,defs)
endif()
set_target_properties(automl_score PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_include_directories(automl_score INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/automl> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# GNU's binutils, whatever the compiler: others cannot collect garbage in what stays relocatable.
find_program(AUTOML_LD NAMES ld.bfd ld REQUIRED)
find_program(AUTOML_OBJCOPY NAMES objcopy REQUIRED)

# The static library is one object whose other names are its own: it links beside libautoml and brings nothing along.
set(SCORE_OBJECT ${CMAKE_CURRENT_BINARY_DIR}/automl_score.o)
add_custom_command(OUTPUT ${SCORE_OBJECT}
  COMMAND ${AUTOML_LD} -r --gc-sections --gc-keep-exported -o ${SCORE_OBJECT} ${SCORE_OBJECTS}
  COMMAND ${AUTOML_OBJCOPY} --localize-hidden --strip-unneeded ${SCORE_OBJECT}
  DEPENDS automl_score_kernels automl_score_others ${SCORE_OBJECTS} COMMAND_EXPAND_LISTS VERBATIM)
set_source_files_properties(${SCORE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
add_library(automl_score_static STATIC ${SCORE_OBJECT})
set_target_properties(automl_score_static PROPERTIES OUTPUT_NAME automl_score LINKER_LANGUAGE C)
target_link_libraries(automl_score_static INTERFACE m)
target_include_directories(automl_score_static INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/automl> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# Predictions in SQL: all that it needs of us is in it.
add_library(automl_sqlite MODULE examples/automl_sqlite.c)
target_link_libraries(automl_sqlite PRIVATE automl_flags automl_score_static)
target_include_directories(automl_sqlite PRIVATE ${SQLITE_INCLUDE_DIRS})
target_link_options(automl_sqlite PRIVATE -Wl,--gc-sections)
set_target_properties(automl_sqlite PROPERTIES PREFIX "")

include(${CMAKE_CURRENT_LIST_DIR}/install.cmake)
